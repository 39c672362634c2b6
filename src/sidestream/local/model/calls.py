"""A language for any tools: lines that are calls, and words that are the answer.

!name {"key": "value"}     a call; several lines are one step, made together
!other_name
--                         on a line of its own: the next step
!name {"key": "other"}
Any words.                 what is said at the end
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from sidestream.local.model import talk
from sidestream.local.model.conversation import Conversation, Step, ToolRequest

_CALL: Final = re.compile(r"!(?P<name>[A-Za-z_][\w.-]*)\s*(?P<arguments>.*)")
_NEXT: Final = "--"


@dataclass(frozen=True, slots=True)
class Script:
    """A message in this language; `bad` names a call whose arguments are no JSON object."""

    steps: tuple[tuple[ToolRequest, ...], ...]
    answer: str
    bad: str | None = None


def read(message: str) -> Script | None:
    """The script that a message is; None when its first line is not a call."""
    if not _CALL.fullmatch(message.strip().partition("\n")[0].strip()):
        return None
    steps: list[list[ToolRequest]] = [[]]
    words: list[str] = []
    for line in message.strip().splitlines():
        match = None if words else _CALL.fullmatch(line.strip())
        if match is not None:
            arguments = _object(match["arguments"])
            if arguments is None:
                return Script((), "", bad=match["name"])
            steps[-1].append(ToolRequest(match["name"], arguments))
        elif line.strip() == _NEXT and not words:
            steps.append([])
        elif line.strip() or words:
            words.append(line)
    return Script(tuple(tuple(step) for step in steps if step), "\n".join(words).strip())


def next_step(conversation: Conversation) -> Step | None:
    """The step of the script that comes next, or its answer; None when there is no script."""
    said = conversation.said
    script = read(said[-1]) if said else None
    if script is None:
        return None
    words = talk.language_of(script.answer, *said[-2::-1]).phrases
    if script.bad is not None:
        return Step(text=words["bad_call"].format(name=script.bad))
    offered = {tool.name for tool in conversation.tools} if conversation.may_call else set()
    for request in (request for step in script.steps for request in step):
        if request.name not in offered:
            tools = talk.tool_names(conversation, words)
            return Step(text=words["no_such_tool"].format(name=request.name, tools=tools))
    # A card ends the script: what it held was done, or left alone, by the person's answer to it.
    if (after_card := conversation.after_card) is not None:
        return Step(text=(script.answer or words["done"]) if after_card else words["left_alone"])
    made = len(conversation.run)
    for step in script.steps:
        if made < len(step):
            wanted = step[made:]
            return Step(calls=wanted if conversation.parallel else wanted[:1])
        made -= len(step)
    return Step(text=script.answer or words["done"])


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
