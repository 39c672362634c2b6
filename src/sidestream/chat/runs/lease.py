"""The lease of a run: for how long this process may write to the thread, and how it is renewed."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from sidestream.caller import Caller
from sidestream.chat.context import Control, EndReason
from sidestream.store.runs import Runs

# A part of the lease is not relied on: the time that the answer to a beat took, and drift.
_RELIED_ON: Final = 0.9


class Lease:
    """Held from the start of a run. It ends the run (by `control`) when somebody else has the
    thread, or wants the run to stop."""

    def __init__(
        self, runs: Runs, caller: Caller, run_id: str, control: Control, *, lease_s: float
    ) -> None:
        self._runs = runs
        self._caller = caller
        self._run_id = run_id
        self._control = control
        self._lease_s = lease_s
        self._renewing = asyncio.Lock()
        self._until = 0.0
        self._extend(time.monotonic())

    async def renew(self, frames: Sequence[str] = (), *, first: int = 1) -> None:
        """Renew the lease, and save the frames numbered from `first` on. Raises `Problem`."""
        async with self._renewing:
            sent_at = time.monotonic()
            result = await self._runs.beat(
                self._caller, self._run_id, lease_s=self._lease_s, frames=frames, first=first
            )
            if not result.still_owner:
                gone = not await self._runs.exists(self._caller, self._run_id)
                self._control.end(EndReason.DELETED if gone else EndReason.LOST)
                return
            self._extend(sent_at)
            if result.stop_requested:
                self._control.end(EndReason.STOPPED)

    async def holds(self) -> bool:
        """Tell whether the lease holds, and ask when that is not certain. Raises `Problem`."""
        if time.monotonic() > self._until:
            await self.renew()
        return self._control.may_write

    def _extend(self, since: float) -> None:
        self._until = since + self._lease_s * _RELIED_ON
