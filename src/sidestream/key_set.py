"""An issuer's public keys, as this process knows them.

They are read ahead of the first token, and again in the background while tokens come, so that no
token waits for them. While they cannot be read, those that are known go on, for a bounded time.

        read, and again after REFRESH_S              older than IDLE_S: one token waits
    NONE -------------------------> KNOWN --------------------------------------------> KNOWN
     ^  no token is accepted          |  reading fails: known, and a pause before the next try
     +--------------------------------+  nobody could read them for stale_s

A token that fits no known key may have been signed with one that is new: the keys are read for it,
unless that has just been in vain. Ages go by the wall clock, since the other one stands still in a
snapshot.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sidestream.key_source import KeysUnread
from sidestream.problems import Unavailable
from sidestream.public_keys import NotAKeySet, PublicKey, PublicKeys, read_key_set
from sidestream.reasons import Reason, report
from sidestream.token_fault import TokenFault, TokenRefused

REFRESH_S: Final = 45.0
IDLE_S: Final = 3600.0
VAIN_PAUSE_S: Final = 30.0
"""For how long no other token has the keys read, after one for which that was in vain."""
MAX_PAUSE_S: Final = 60.0
_PART: Final = "keys"


@dataclass(slots=True)
class _Pause:
    """A stretch of time in which something is not done."""

    begin: float = 0.0
    length_s: float = 0.0

    def lasts(self, now: float) -> bool:
        return 0 <= now - self.begin < self.length_s


class KeySet:
    """One issuer's keys. `read` gives their document, and raises `KeysUnread`; `stale_s` is for how
    long they are believed when it fails; `clock` tells the wall clock in seconds."""

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        stale_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._stale_s = stale_s
        self._clock = clock
        self._keys = PublicKeys({}, {})
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._failures = 0
        self._failed = _Pause()
        self._vain = _Pause()

    async def refresh(self) -> None:
        """Read the keys now, whoever else does, and whatever is known. A failure is met by the
        first token."""
        await self._one_reading()

    async def key(self, kid: str, algorithm: str) -> PublicKey:
        """Give the key that a token names. Raises `TokenRefused`, or `Unavailable` when nobody can
        tell whether there is one."""
        await self._up_to_date()
        known = self._keys.usable.get((kid, algorithm))
        if known is None:
            known = await self._of_a_new_set(kid, algorithm)
        if known is not None:
            return known
        if any(kid == bound for bound, _ in self._keys.usable):
            raise TokenRefused(fault=TokenFault.ALGORITHM)
        if self._failures:
            raise _away()
        raise TokenRefused(fault=TokenFault.UNKNOWN_KEY)

    async def is_known(self) -> bool:
        """Tell whether there are keys to go by, and have them read when it is time to."""
        try:
            await self._up_to_date()
        except Unavailable:
            return False
        return True

    async def another(self, refused: PublicKey) -> PublicKey | None:
        """Give the key that has taken the place of one which did not sign a token, if any has."""
        name = refused.kid, refused.algorithm
        known = self._keys.usable.get(name)
        if known == refused:
            known = await self._of_a_new_set(*name, other_than=refused)
        return None if known == refused else known

    async def close(self) -> None:
        """Leave off reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _up_to_date(self) -> None:
        """Have the keys read when it is time to, and wait only where there is no other way. Raises
        `Unavailable`."""
        now = self._clock()
        age_s = now - self._read_at
        if 0 <= age_s < REFRESH_S:
            return
        if age_s >= self._stale_s:
            if not self._failed.lasts(now):
                await self._one_reading()
            if self._clock() - self._read_at >= self._stale_s:
                raise _away()
        elif not self._failed.lasts(now):
            reading = self._one_reading()
            if age_s >= IDLE_S and not self._failures:
                await reading

    async def _of_a_new_set(
        self, kid: str, algorithm: str, other_than: PublicKey | None = None
    ) -> PublicKey | None:
        now = self._clock()
        if self._vain.lasts(now) or self._failed.lasts(now):
            return None
        await self._one_reading()
        known = self._keys.usable.get((kid, algorithm))
        if not self._failures and (known is None or known == other_than):
            self._vain = _Pause(self._clock(), VAIN_PAUSE_S)
        return known

    def _one_reading(self) -> Awaitable[None]:
        """Begin to read, or join who reads already. Who waits and gives up ends no reading."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once())
        return asyncio.shield(self._reading)

    async def _read_once(self) -> None:
        try:
            keys = read_key_set(await self._read())
        except KeysUnread as error:
            self._fail(error.reason)
        except NotAKeySet:
            self._fail(Reason.UNEXPECTED)
        else:
            self._keys, self._read_at, self._failures = keys, self._clock(), 0

    def _fail(self, reason: Reason) -> None:
        report(_PART, reason)
        self._failures += 1
        self._failed = _Pause(self._clock(), min(2.0 ** (self._failures - 1), MAX_PAUSE_S))


def _away() -> Unavailable:
    return Unavailable("The sign-in service cannot be reached.")
