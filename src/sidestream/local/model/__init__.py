"""The scripted model: an OpenAI-compatible HTTP server that answers by rule, in English and Urdu.

It stands where OpenAI's API stands when no API key is set, so that the whole system runs on a
laptop without an account, and so that tests have a model that says the same thing every time. It
speaks the Responses and the Chat Completions protocols over real HTTP; nothing that calls it can
tell the difference but by the answers. It knows no domain: `calls` has a language for any tools,
and what people mean by their words a domain's own grammar tells it (`ModelSettings.grammar`).
"""

from sidestream.local.model.app import create_app
from sidestream.local.model.policy import grammar_of
from sidestream.local.model.server import ScriptedModelServer
from sidestream.local.model.settings import ModelEntry, ModelSettings

__all__ = ["ModelEntry", "ModelSettings", "ScriptedModelServer", "create_app", "grammar_of"]
