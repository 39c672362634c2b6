"""A secret in use, which may be replaced while the process runs.

Whoever uses it takes the current text. When the other side refuses that, `others` gives what else
to try: the secret is read again, so that a replacement is picked up without a release, and for a
while the text before it is good too, whichever side learns of the change first.

        put a new one                 the other side refuses ours
    OLD --------------> NEW, OLD known <--------------------------- OLD known
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

MIN_INTERVAL_S: Final = 10.0
"""Forged tokens are refused as well: they may not make a process read its secrets all the time."""

_logger = logging.getLogger(__name__)


class Secret:
    """A secret's text. `name` is its setting's; `read` gives its current text and, if there is one,
    the text before it, and may block. Without `read` it stays what it is."""

    def __init__(
        self, text: str, name: str = "", read: Callable[[], tuple[str, ...]] | None = None
    ) -> None:
        self._known: tuple[str, ...] = (text,)
        self._name = name
        self._read = read
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    @classmethod
    def of(cls, secret: "Secret | str") -> "Secret":
        """Give a secret, of a text one that stays what it is."""
        return cls(secret) if isinstance(secret, str) else secret

    @property
    def text(self) -> str:
        """The current text."""
        return self._known[0]

    @property
    def known(self) -> tuple[str, ...]:
        """The current text, and the one before it once the secret has been read again."""
        return self._known

    async def others(self, refused: tuple[str, ...]) -> tuple[str, ...]:
        """Give what to try when these texts were refused; nothing when there is nothing else."""
        if self.text in refused:
            await self._read_again(refused)
        return tuple(text for text in self._known if text not in refused)

    async def _read_again(self, refused: tuple[str, ...]) -> None:
        if self._read is None:
            return
        async with self._reading:
            # Another one that was refused may have read it meanwhile.
            if self.text not in refused or time.monotonic() - self._read_at < MIN_INTERVAL_S:
                return
            try:
                known = await asyncio.to_thread(self._read)
            except Exception as error:
                # What is known may do again; the reason is told by its kind alone.
                reason = getattr(error, "reason", type(error).__name__)
                _logger.warning("%s could not be read again: %s", self._name, reason)
            else:
                if known[0] != self.text:
                    _logger.warning("%s was replaced", self._name)
                self._known = known
            finally:
                self._read_at = time.monotonic()
