"""What a run has given so far: frames and finished tool calls, for whoever follows it."""

import asyncio
from collections.abc import AsyncIterator

from sidestream.chat.context import ToolRecord
from sidestream.chat.protocol.frames import Frame, LeftOff


class RunLog:
    """Grows as the run goes on, and is followed from the beginning until it is closed."""

    def __init__(self) -> None:
        self._entries: list[Frame | ToolRecord] = []
        self._untold: list[ToolRecord] = []
        self._grown = asyncio.Event()
        self._closed = False
        self._left_off = False

    def add_frame(self, frame: Frame) -> None:
        """Add a frame."""
        self._add(frame)

    def add_tool(self, record: ToolRecord) -> None:
        """Add a finished tool call."""
        self._untold.append(record)
        self._add(record)

    def take_untold(self) -> list[ToolRecord]:
        """Give the tool calls that ended since this was asked last."""
        untold, self._untold = self._untold, []
        return untold

    def close(self, *, left_off: bool = False) -> None:
        """Say that nothing more will come: the run has ended, or is `left_off`, and the rest is to
        be had from the store."""
        self._closed, self._left_off = True, left_off
        self._wake()

    async def follow(self) -> AsyncIterator[Frame | ToolRecord]:
        """Give everything from the beginning, then what comes, until the log is closed.

        Raises `LeftOff` where the run has not ended with that.
        """
        position = 0
        while True:
            grown = self._grown
            while position < len(self._entries):
                yield self._entries[position]
                position += 1
            if self._left_off:
                raise LeftOff
            if self._closed:
                return
            if position == len(self._entries):
                await grown.wait()

    def _add(self, entry: Frame | ToolRecord) -> None:
        self._entries.append(entry)
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
