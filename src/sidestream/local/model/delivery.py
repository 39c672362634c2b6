"""Sends an answer: at the set pace, through the gate, up to the limit or the fault."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from starlette.types import Receive, Scope, Send

from sidestream.local.model.faults import Control, Fault

type Finish = Literal["stop", "length", "content_filter"]

_WORD = re.compile(r"\s*\S+\s*")


class ConnectionCut(Exception):
    """The answer ends here, without a proper end; `cleanly` when the HTTP body has one."""

    def __init__(self, *, cleanly: bool = False) -> None:
        super().__init__()
        self.cleanly = cleanly


class Delivery:
    """The words of one answer on their way out; `text` and `finish` say what will be sent."""

    def __init__(
        self, text: str, control: Control, delay_ms: float, fault: Fault, limit: int | None = None
    ) -> None:
        words = _WORD.findall(text) or ([text] if text else [])
        self.finish: Finish = "stop"
        if limit is not None and len(words) > limit:
            words, self.finish = words[:limit], "length"
        if fault.filter_after is not None:
            words, self.finish = words[: fault.filter_after], "content_filter"
        self.text = "".join(words)
        self._words = words
        self._control = control
        self._delay_s = delay_ms / 1000
        self._cut_after = fault.cut_after
        self._cut_cleanly = fault.cut_cleanly

    def __aiter__(self) -> AsyncIterator[str]:
        return self._send()

    def check_cut(self) -> None:
        """Raises ConnectionCut when the answer is to be cut and has no words to come."""
        if self._cut_after is not None:
            raise ConnectionCut(cleanly=self._cut_cleanly)

    async def _send(self) -> AsyncIterator[str]:
        for sent, word in enumerate(self._words):
            if sent:
                await asyncio.sleep(self._delay_s)
            await self._control.pass_gate(sent)
            if self._control.stopping:
                raise ConnectionCut
            if sent == self._cut_after:
                self.check_cut()
            yield word
        await self._control.pass_gate(len(self._words))
        self.check_cut()


def frame(data: Mapping[str, Any], event: str | None = None) -> bytes:
    """One server-sent event, its text as providers send it. Half a surrogate pair is escaped."""
    head = f"event: {event}\n" if event else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}data: {text}\n\n".encode(errors="backslashreplace")


class EventStream:
    """An ASGI response of server-sent events that notices when its client goes away."""

    def __init__(
        self, frames: AsyncIterator[bytes], control: Control, headers: Mapping[str, str]
    ) -> None:
        self._frames = frames
        self._control = control
        self._headers = [(k.encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the frames until they end or the client leaves, whichever comes first."""
        control = self._control
        control.open_streams += 1
        control.changed()
        sending = asyncio.create_task(self._send(send))
        watching = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                control.closed_early += 1
            elif sending.exception() is None and sending.result():
                control.finished += 1
        finally:
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)
            control.open_streams -= 1
            control.changed()
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> bool:
        """Whether all of it was sent; an answer that is cut leaves the response without an end."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            *self._headers,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for data in self._frames:
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except ConnectionCut as cut:
            if cut.cleanly:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            return False
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
