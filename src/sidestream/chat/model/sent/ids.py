"""The ids of tool calls as they are sent: unique in a conversation, and in a form that is taken.

Mistral takes nine letters and digits alone (`Tool call id was ... but must be a-z, A-Z, 0-9, with a
length of 9`, code 3280), OpenAI's Chat Completions at most 40 characters. A provider's own id goes
back as it was given where it fits: LiteLLM keeps Gemini's signature in it (`__thought__`), and Kimi
reads its own form (`functions.search:0`).
"""

import re
from hashlib import sha256
from string import ascii_letters, digits
from typing import Final

NINE: Final = re.compile(r"[A-Za-z0-9]{9}")
"""What Mistral takes, and everybody else too."""
COMMON: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}|[A-Za-z0-9_.:-]+__thought__[A-Za-z0-9+/=_-]+")
"""What the others take back of their own."""

_ALPHABET: Final = ascii_letters + digits


def short_id(seed: str) -> str:
    """Give nine letters and digits, the same ones for the same seed."""
    number = int.from_bytes(sha256(seed.encode(errors="replace")).digest())
    characters = []
    for _ in range(9):
        number, at = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[at])
    return "".join(characters)


class CallIds:
    """Gives the calls of one conversation their ids, in the order of the calls.

    The same conversation gets the same ids on every sending, also when it has become longer.
    """

    def __init__(self, form: re.Pattern[str]) -> None:
        self._form = form
        self._given: set[str] = set()

    def give(self, call_id: str, *, own: bool) -> str:
        """Give the id under which a call is sent. `own`: the provider asked gave it itself."""
        given = call_id if own and self._form.fullmatch(call_id) else short_id(call_id)
        number = 1
        while given in self._given:
            number += 1
            given = short_id(f"{call_id} {number}")
        self._given.add(given)
        return given
