"""What can be made to go wrong, and what was seen: the handles that tests hold on a running model.

Only code in the same process reaches them; there is no way to cause a fault by HTTP. Faults and
holds concern the answers of a conversation, never a request for a thread's title.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sidestream.local.model.conversation import Step
from sidestream.local.model.errors import ApiError, of_status

_KEPT_REQUESTS = 1000


class RecordedRequest(NamedTuple):
    """A request that was answered: its path and its decoded body."""

    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """How the next answer goes wrong; at most one of these is set.

    `cut_after` and `filter_after` count words; function calls are cut or filtered at once. With
    `cut_cleanly`, what is cut looks whole to HTTP.
    """

    error: ApiError | None = None
    cut_after: int | None = None
    cut_cleanly: bool = False
    filter_after: int | None = None
    overflow: bool = False


NO_FAULT = Fault()


class Control:
    """The state that a running model shares with whoever started it.

    `requests` are the last thousand, oldest first. `closed_early` counts the streams whose client
    went away before the end, `finished` those that were sent whole, `open_streams` those in
    progress. `api_key` is the only key that is taken, None means that each is.
    """

    def __init__(self) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=_KEPT_REQUESTS)
        self.api_key: str | None = None
        self.closed_early = 0
        self.finished = 0
        self.open_streams = 0
        self.held_streams = 0
        self._faults: deque[Fault] = deque()
        self._script: deque[Step] = deque()
        self._hold_after: int | None = None
        self._stopping = False
        self._changed = asyncio.Event()

    def play(self, *steps: Step) -> None:
        """The next answers are these steps, whatever is asked."""
        self._script.extend(steps)

    def hold(self, after_words: int = 1) -> None:
        """Makes every streamed answer stop after that many words, until `release`."""
        self._hold_after = after_words

    def release(self) -> None:
        """Lets held answers go on, and later ones pass."""
        self._hold_after = None
        self.changed()

    def fail_next(self, status: int, times: int = 1, retry_after: float | None = None) -> None:
        """The next `times` requests get an error answer; `retry_after` is in seconds."""
        fault = Fault(error=of_status(status, retry_after))
        self._faults.extend([fault] * times)

    def refuse_next(self, error: ApiError, after: int = 0) -> None:
        """The next request gets this error answer, or the one after `after` others."""
        self._faults.extend([NO_FAULT] * after)
        self._faults.append(Fault(error=error))

    def cut_next(self, after_words: int = 1, *, cleanly: bool = False) -> None:
        """The next answer's connection breaks after that many words, or its body ends there."""
        self._faults.append(Fault(cut_after=after_words, cut_cleanly=cleanly))

    def content_filter_next(self, after_words: int = 3) -> None:
        """The next answer is stopped by the content filter after that many words."""
        self._faults.append(Fault(filter_after=after_words))

    def context_overflow_next(self) -> None:
        """The next request is refused because its input is too long."""
        self._faults.append(Fault(overflow=True))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds; it is asked again whenever a count here changes."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def next_fault(self) -> Fault:
        """Takes the fault that the next answer suffers."""
        return self._faults.popleft() if self._faults else NO_FAULT

    def next_step(self) -> Step | None:
        """Takes the step that the next answer is to be, if one was set."""
        return self._script.popleft() if self._script else None

    def changed(self) -> None:
        """Wakes those who wait in `until` or are held."""
        self._changed.set()

    def stop(self) -> None:
        """Cuts the answers in progress, for shutdown."""
        self._stopping = True
        self.release()

    @property
    def stopping(self) -> bool:
        """Whether the server is going down."""
        return self._stopping

    async def pass_gate(self, words_sent: int) -> None:
        """Waits here while an answer of that length so far is to be held."""
        if words_sent != self._hold_after:
            return
        self.held_streams += 1
        self.changed()
        try:
            await self.until(lambda: self._hold_after is None)
        finally:
            self.held_streams -= 1
            self.changed()
