"""Any ASGI app over real HTTP: uvicorn on the tests' own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serve(app: Any, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the app, on a free port unless one is named, and give its base URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none")
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        started = asyncio.create_task(server.ready.wait())
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            started.cancel()
            await serving
            raise AssertionError("the app did not start")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def install_signal_handlers(self) -> None:
        pass
