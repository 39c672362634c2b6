"""One call and what comes of it, when its server may want something of the person first.

    CALLED --a result-----------------------------> ANSWERED
       `--input_required--> what a person can be shown? --yes--> WAITS for the person
                               `--no--> called again: nobody answered (MAX_ROUNDS at most)

Each repetition is the same deed, so its idempotency key is that of the first call with the number
of the round behind it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sidestream.chat.context import InputRequired
from sidestream.chat.tools.elicitation import Answers, read_requests
from sidestream.chat.tools.server import ToolResult
from sidestream.i18n import _

MAX_ROUNDS: Final = 5
"""How often one call may be answered with a question."""
_MAX_STATE_CHARS: Final = 32_000
_MAX_REQUESTS_BYTES: Final = 32_000

_PAUSE_S: Final = 0.2
_ENDLESS: Final = _("The tool asked too many questions, so it was given up.")
_TOO_MUCH: Final = _("The tool asked for more than can be shown.")
_STALE: Final = _("The answer was not taken: it came too late, or the question has changed.")
_LET_GO: Final = _("The question was not answered, so this was not done.")
_UNSHOWN: Final = (
    "It asked for what cannot be shown to the person, and was told that nobody answered."
)


async def exchange(
    send: Callable[[str, Answers | None], Awaitable[ToolResult]], key: str, answers: Answers | None
) -> ToolResult:
    """Make a call, or repeat it with answers, until there is a result or a person is needed.

    `send` makes one call under an idempotency key; `key` is that of the first. The result then has
    `needs`, whose requests can be shown at least in part. Raises what `send` raises.
    """
    unshown = False
    while True:
        result = await send(answers.call_key if answers else key, answers)
        if answers is not None and result.refused:
            return _refused(f"{_STALE}\n{result.text}")
        if result.needs is None:
            return _with_note(result) if unshown else result
        if answers is not None and answers.last:
            return _refused(_LET_GO)
        rounds = answers.round + 1 if answers else 1
        needs = replace(result.needs, key=answers.key if answers else key, round=rounds)
        if rounds > MAX_ROUNDS:
            return _refused(_ENDLESS)
        if not _is_bounded(needs):
            return _refused(_TOO_MUCH)
        if any(read_requests(needs.requests).values()):
            return replace(result, needs=needs)
        if needs.requests:
            unshown = True
        else:
            # Nothing is wanted but to be called again ("the client MAY retry immediately").
            await asyncio.sleep(_PAUSE_S)
        answers = Answers.cancel(needs)


def _refused(sentence: str) -> ToolResult:
    return ToolResult(sentence, failed=True, content=sentence)


def _is_bounded(needs: InputRequired) -> bool:
    if len(needs.state or "") > _MAX_STATE_CHARS:
        return False
    return len(json.dumps(needs.requests).encode()) <= _MAX_REQUESTS_BYTES


def _with_note(result: ToolResult) -> ToolResult:
    """Tell the model, too, what the person was not shown."""
    content = result.content
    if isinstance(content, dict):
        return replace(result, content={**content, "unanswered": _UNSHOWN})
    return replace(result, content=f"{content or result.text}\n{_UNSHOWN}")
