"""Functions started through the exec wrapper as on Lambda, and a line to talk to them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

import sidestream.streaming
from sidestream.local.emulator.function import FunctionSpec, InvokeMode
from sidestream.local.emulator.url import FunctionUrl

from .lambda_fake import FakeLambda

HERE = Path(__file__).parent
WRAPPER = Path(sidestream.streaming.__file__).parent / "stream-runtime"


class Line:
    """The test's end of a connection from a function: gives leave, and hears words."""

    def __init__(self) -> None:
        self.port = 0
        self._accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self._end: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connected(self) -> None:
        if self._end is None:
            self._end = await self._accepted.get()

    async def let(self) -> None:
        """Let the function go on."""
        await self._write(b".")

    async def say(self, word: str) -> None:
        await self._write(f"{word}\n".encode())

    async def heard(self) -> str:
        """The next word, or nothing once the other end has closed."""
        await self.connected()
        assert self._end is not None
        return (await self._end[0].readline()).decode().strip()

    async def _write(self, data: bytes) -> None:
        await self.connected()
        assert self._end is not None
        self._end[1].write(data)
        await self._end[1].drain()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.put_nowait((reader, writer))

    def close(self) -> None:
        if self._end is not None:
            self._end[1].close()


@asynccontextmanager
async def open_line() -> AsyncIterator[Line]:
    line = Line()
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        line.close()
        server.close()


class Function(FunctionUrl):
    """A function's URL with a client for it and the lines of its log."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.log: list[str] = []
        super().__init__(spec, on_log=lambda _, text: self.log.append(text))
        self.client = httpx2.AsyncClient(timeout=30)

    async def get(self, path: str) -> httpx2.Response:
        """GET, again and again while the only environment has not asked for the next event."""
        for _ in range(200):
            response = await self.client.get(self.url + path)
            if response.status_code != 429:
                break
            await asyncio.sleep(0.05)
        return response


@asynccontextmanager
async def function(
    app: str = "apps:main", env: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Function]:
    spec = FunctionSpec(
        name="stream",
        command=(),
        handler="stream-runtime",
        env={"STREAM_APP": app, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        invoke_mode=InvokeMode.RESPONSE_STREAM,
        **{
            "cwd": HERE,
            "exec_wrapper": WRAPPER,
            "max_environments": 1,
            "timeout_s": 60,
            **settings,
        },
    )
    running = Function(spec)
    async with running, running.client:
        yield running


@asynccontextmanager
async def runtime(
    fake: FakeLambda, app: str = "apps:main", pass_fds: tuple[int, ...] = (), **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The runtime's process, started as the managed runtime starts it."""
    process = await asyncio.create_subprocess_exec(
        str(WRAPPER),
        sys.executable,
        "/var/runtime/bootstrap.py",
        env={
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": str(HERE),
            "AWS_LAMBDA_RUNTIME_API": fake.address,
            "STREAM_APP": app,
            **env,
        },
        cwd=HERE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=pass_fds,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
