"""ChatFunction's entry point, `sidestream.chat.handler:app`: everything that a start can do ahead.

    imports -> settings and secrets -> pool, sign-in keys, clients -> a scripted run -> ready
                                                                          |
                       connections dropped -> SNAPSHOT -> restore -> all of it but imports, anew

The order of the imports matters here. Nothing that they make is ever garbage, so the collector,
which would go through all of it again and again, is switched on when they are done, and told to
leave it alone.
"""

import asyncio
import gc

gc.disable()

from sidestream.chat.start.lean_imports import import_sdks  # noqa: E402

import_sdks()

from fastapi import FastAPI  # noqa: E402
from snapshot_restore_py import (  # type: ignore[import-untyped]  # noqa: E402
    register_after_restore,
    register_before_snapshot,
)
from starlette.types import Receive, Scope, Send  # noqa: E402

from sidestream import config  # noqa: E402
from sidestream.chat.app import create_app  # noqa: E402
from sidestream.chat.services import Services  # noqa: E402
from sidestream.chat.start.warm_up import warm_up  # noqa: E402
from sidestream.telemetry import log_failure, logger  # noqa: E402

gc.freeze()
gc.enable()
log = logger("chat")


class ChatFunction:
    """The ASGI application of the whole process: makes the real one, and makes it again when the
    process is restored from a snapshot, because secrets may have been rotated since."""

    def __init__(self) -> None:
        self._app: FastAPI = create_app()
        register_before_snapshot(self.close)
        register_after_restore(self.reopen)

    @property
    def services(self) -> Services:
        """What the application holds at present."""
        services = self._app.state.services
        assert isinstance(services, Services)
        return services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the life of the process (ASGI lifespan)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def open(self) -> None:
        """Connect, and play the scripted run while the others answer."""
        warming_up = asyncio.create_task(self._warm_up())
        try:
            await self.services.open()
            await warming_up
        finally:
            warming_up.cancel()
            await asyncio.wait({warming_up})

    async def _warm_up(self) -> None:
        """Should the scripted run fail, the first real one is slow."""
        try:
            for route in self._app.routes:  # FastAPI reads the routes when the first is looked for
                route.matches({"type": "http", "method": "GET", "path": "/"})
            await warm_up(self.services.settings, self.services.domain)
        except Exception as error:
            log_failure(log, "warm-up failed", error)

    async def close(self) -> None:
        """Drop every connection: none would outlive the snapshot."""
        await self.services.close()

    async def reopen(self) -> None:
        """Read settings and secrets again, and connect anew."""
        config.refresh()
        before = self.services
        self._app = create_app()
        self.services.remember(before)
        await self.services.open()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        gc.disable()
        try:
            await self.open()
        except Exception as error:
            # Raised, it would say that the application knows no lifespan.
            log_failure(log, "start failed", error)
            told = isinstance(error, config.SettingsError)
            message = str(error) if told else type(error).__qualname__
            failed = {"type": "lifespan.startup.failed", "message": message}
            await send({**failed, "reportable": True})  # a setting's name, or a type's
            return
        finally:
            gc.freeze()
            gc.enable()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


def app() -> ChatFunction:
    """Make the application. Raises `config.SettingsError`."""
    return ChatFunction()
