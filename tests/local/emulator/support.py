"""Functions to deploy in the tests of the emulator, and a client of what was deployed."""

import asyncio
import dataclasses
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
import psutil  # type: ignore[import-untyped]

from sidestream.local.emulator import FunctionSpec, FunctionUrl, InvokeMode

FUNCTIONS = Path(__file__).parent / "functions"
RUNTIME = (sys.executable, str(FUNCTIONS / "custom_runtime.py"))

STREAMED = FunctionSpec(
    name="streamed",
    command=RUNTIME,
    handler="custom.handler",
    env={},
    cwd=FUNCTIONS,
    invoke_mode=InvokeMode.RESPONSE_STREAM,
)
BUFFERED = dataclasses.replace(STREAMED, name="buffered", invoke_mode=InvokeMode.BUFFERED)


class Deployed:
    """A function that runs, a client of its URL, and what it logged."""

    def __init__(self, url: FunctionUrl, client: httpx2.AsyncClient, lines: list[str]) -> None:
        self.url = url
        self.client = client
        self.lines = lines

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: FunctionUrl, lines: list[str] | None = None) -> AsyncIterator[Self]:
        """A client of a URL that listens."""
        async with httpx2.AsyncClient(base_url=url.url, timeout=30) as client:
            yield cls(url, client, [] if lines is None else lines)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, content: bytes, **options: Any) -> httpx2.Response:
        return await self.client.post(path, content=content, **options)

    async def line(self, start: str) -> str:
        """The first log line with this start; waits for it."""
        return await eventually(
            lambda: next((line for line in self.lines if line.startswith(start)), None)
        )


Deploy = Callable[..., Coroutine[Any, Any, Deployed]]


async def eventually[T](probe: Callable[[], T | None]) -> T:
    """The probe's first value that is not None or False; the test's own time-out is its limit."""
    async with asyncio.timeout(20):
        while not (value := probe()):  # noqa: ASYNC110 - the probe knows no event
            await asyncio.sleep(0.005)
    return value


def process_state(pid: int) -> str:
    """A process's state in the words of psutil; "dead" when it is gone or a zombie."""
    try:
        state = str(psutil.Process(pid).status())
    except psutil.NoSuchProcess:
        return "dead"
    return "dead" if state == psutil.STATUS_ZOMBIE else state
