"""Ids: a prefix that says what it is, a time so that ids sort, and enough chance to be unique.

ChatKit's own ids have 32 random bits, which collide among some 77,000 rows.
"""

import re
import secrets
import string
import time
from collections.abc import Callable
from typing import Final

_MADE: Final = re.compile("[a-z]+_([0-9a-f]{12})[0-9a-f]{20}")
_CALL_ID_CHARS: Final = string.ascii_letters + string.digits
_CALL_ID_LENGTH: Final = 9


def new_id(prefix: str, clock: Callable[[], float] = time.time) -> str:
    """Make an id such as `thr_0199f3c2d1a47c0e5b...`: 12 hex digits of epoch milliseconds, then 80
    random bits as 20 hex digits."""
    return f"{prefix}_{int(clock() * 1000):012x}{secrets.token_hex(10)}"


def made_ms(given_id: str) -> int | None:
    """Give when an id was made, in epoch milliseconds; None for one that `new_id` did not make."""
    made = _MADE.fullmatch(given_id)
    return int(made[1], 16) if made else None


def new_call_id() -> str:
    """Make the id of a tool call: nine letters and digits, the one form that all providers take
    (Mistral wants exactly these, OpenAI's Chat Completions at most 40 characters)."""
    return "".join(secrets.choice(_CALL_ID_CHARS) for _ in range(_CALL_ID_LENGTH))
