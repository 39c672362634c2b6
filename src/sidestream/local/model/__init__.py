"""The scripted model: an OpenAI-compatible HTTP server that answers by rule, in English and Urdu.

It stands where OpenAI's API stands when no API key is set, so that the whole system runs on a
laptop without an account, and so that tests have a model that says the same thing every time. It
speaks the Responses and the Chat Completions protocols over real HTTP; nothing that calls it can
tell the difference but by the answers.
"""

from sidestream.local.model.app import create_app
from sidestream.local.model.server import ScriptedModelServer
from sidestream.local.model.settings import ModelEntry, ModelSettings

__all__ = ["ModelEntry", "ModelSettings", "ScriptedModelServer", "create_app"]
