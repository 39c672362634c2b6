"""Answers that ended early, and how their last message says so: to people, clients and the model.

What the protocol has for more to say about a message is an annotation, so that is what the mark is:
it is stored and streamed with its message, every client and every release reads it, and ChatKit's
own component shows it, by its label at the end of the words and by its title below them. Its `data`
names the reason, for clients that have words of their own.
"""

from enum import StrEnum
from typing import Final

from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageItem,
    EntitySource,
    ThreadItem,
)

from sidestream.i18n import _, text


class Incomplete(StrEnum):
    """Why an answer is not whole."""

    STOPPED = "stopped"
    """The person pressed Stop."""
    INTERRUPTED = "interrupted"
    """The process that wrote it ended."""
    DEADLINE = "deadline"
    """It took longer than the function may run."""
    LENGTH = "length"
    """It reached the greatest length that an answer may have."""
    ERROR = "error"
    """The model or something else failed."""


FIELD: Final = "incomplete"
"""The name of the reason in the `data` of the mark, and the mark's id."""

_TITLES: Final = {
    Incomplete.STOPPED: _("Stopped here"),
    Incomplete.INTERRUPTED: _("Interrupted here"),
    Incomplete.DEADLINE: _("Out of time here"),
    Incomplete.LENGTH: _("Greatest length reached here"),
    Incomplete.ERROR: _("Broke off here"),
}
_NOTES: Final = {
    Incomplete.STOPPED: "The person stopped the answer here. Do not go on with it unless asked.",
    Incomplete.INTERRUPTED: "The answer was interrupted here. It is not whole.",
    Incomplete.DEADLINE: "The answer took too long and was cut off here. It is not whole.",
    Incomplete.LENGTH: "The answer reached its greatest length and was cut off here.",
    Incomplete.ERROR: "The answer broke off here because of an error. It is not whole.",
}


def mark(message: AssistantMessageItem, reason: Incomplete, locale: str) -> Annotation:
    """Mark a message as the end of an answer that is not whole. Gives the mark, which is the last
    annotation of the last part."""
    if not message.content:
        message.content.append(AssistantMessageContent(text=""))
    part = message.content[-1]
    title = text(locale, _TITLES[reason])
    annotation = Annotation(
        source=EntitySource(
            id=FIELD, title=title, inline_label=title, icon="info", data={FIELD: reason.value}
        ),
        index=len(part.text) or None,
    )
    part.annotations.append(annotation)
    return annotation


def reason_of(item: ThreadItem) -> str | None:
    """Give why an item is not whole, None where it is. A newer release may know more reasons."""
    if not isinstance(item, AssistantMessageItem):
        return None
    for part in item.content:
        for annotation in part.annotations:
            source = annotation.source
            if isinstance(source, EntitySource) and source.id == FIELD:
                return str(source.data.get(FIELD))
    return None


def note_of(item: ThreadItem) -> str | None:
    """Give what the model is told of an item that is not whole, None of one that is."""
    reason = reason_of(item)
    if reason is None:
        return None
    known = Incomplete(reason) if reason in list(Incomplete) else Incomplete.INTERRUPTED
    return _NOTES[known]
