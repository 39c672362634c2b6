"""Runs the scripted model on the current event loop, on a port of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from types import TracebackType
from typing import Self

import uvicorn

from sidestream.local.model.app import create_app
from sidestream.local.model.faults import Control
from sidestream.local.model.settings import ModelSettings

_GRACE_S = 1


class _Server(uvicorn.Server):
    """A server that leaves the process's signal handlers to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class ScriptedModelServer(Control):
    """The scripted model on loopback, for as long as the `async with` block lasts.

    `base_url` is what an OpenAI client takes. The counts, the gate and the faults are those of
    `Control`. With `port=0` a free one is taken. Raises OSError when the port is taken.
    """

    def __init__(self, settings: ModelSettings | None = None, port: int = 0) -> None:
        super().__init__()
        self._settings = settings or ModelSettings()
        self._port = port
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def base_url(self) -> str:
        """The base URL for a client, with the `/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=256)
        # Connections inherit it. asyncio sets it only on sockets of its own; without it the second
        # piece of a response waits 40 ms for the first one's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(self._settings, self),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cuts the answers in progress and closes the port."""
        self.stop()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
