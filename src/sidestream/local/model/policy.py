"""Decides the next step: from the conversation so far to words, or to function calls.

Nothing is kept between requests. A script is followed, a domain's grammar is asked next, and what
it does not know is small talk.
"""

import importlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sidestream.local.model import calls, talk
from sidestream.local.model.conversation import Conversation, Step

type Grammar = Callable[[Conversation, datetime], Step | None]
"""How a domain's people are understood, who have a time by their clock: the next step, or None for
what is not understood."""

_TITLE_WORDS: Final = 6


def grammar_of(module: str) -> Grammar | None:
    """The `decide` of a domain's module (`Domain.scripted`); None for a domain that has none."""
    if not module:
        return None
    decide: Grammar = importlib.import_module(module).decide
    return decide


def next_step(conversation: Conversation, now: datetime, grammar: Grammar | None = None) -> Step:
    """What the model does next, at an aware time."""
    said = conversation.said
    if conversation.wants_title:
        return Step(text=_title(conversation))
    files, words = conversation.files, talk.language_of(*said[::-1]).phrases
    if files and not said[-1].strip():
        return Step(text=talk.about_files(files, words))
    step = calls.next_step(conversation)
    if step is None and grammar is not None:
        step = grammar(conversation, now.astimezone(conversation.time_zone))
    if step is None and (text := talk.answer(conversation)) is not None:
        step = Step(text=text)
    if step is not None:
        return step
    if files:
        return Step(text=talk.about_files(files, words))
    return Step(text=words["unknown"].format(message=said[-1].strip(" \t\n.,;:!?۔،؛؟")))


def _title(conversation: Conversation) -> str:
    said = conversation.said[0] if conversation.said else ""
    named = next((file.name for file in conversation.first_files if file.name), "")
    return " ".join((said.strip() or named).split()[:_TITLE_WORDS]).rstrip(".,:;")
