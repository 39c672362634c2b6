"""The app as a Lambda handler: one event loop for the life of the process, and a lifespan held
open on it.

Mangum runs each event to its end on that loop. Its own lifespan handling would start the app's
lifespan again for every event, which the MCP session manager allows once only. A snapshot
(SnapStart) is taken without connections, and each restored copy makes the app anew, because
secrets may have been rotated since.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.handlers import APIGateway, HTTPGateway
from mangum.types import LambdaConfig, LambdaContext, LambdaEvent, Scope
from snapshot_restore_py import (  # type: ignore[import-untyped]
    register_after_restore,
    register_before_snapshot,
)
from starlette.applications import Starlette

from sidestream import config, telemetry
from sidestream.config import Settings
from sidestream.streaming.events import event_shape, http_request

_logger = telemetry.logger("tools")


def lambda_handler(create_app: Callable[[Settings], Starlette]) -> "LambdaAdapter":
    """Make the handler of a process, on its main thread: reads the environment, makes the app and
    connects at once, and again when the process is restored from a snapshot. Raises
    `config.SettingsError`."""
    telemetry.write_one_line()
    handler = LambdaAdapter(current(create_app))
    register_before_snapshot(handler.before_snapshot)
    register_after_restore(handler.after_restore)
    return handler


def current(create_app: Callable[[Settings], Starlette]) -> Callable[[], Starlette]:
    """Give what makes an app from the environment and the secrets as they are at the time."""

    def make() -> Starlette:
        config.refresh()
        return create_app(config.settings())

    return make


class LambdaAdapter:
    """Callable as `handler(event, context)` for Function URL events (payload 2.0) and REST proxy
    events (payload 1.0). What is no HTTP (a schedule, a warmer, a notification) is acknowledged
    with None.

    Made on the thread that will run the events; makes the app and starts its lifespan at once.
    """

    def __init__(self, make_app: Callable[[], Starlette]) -> None:
        self._make_app = make_app
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._start()

    def __call__(self, event: Any, context: Any) -> dict[str, Any] | None:
        """Serve an event. Raises `MalformedEventError` for one that is HTTP and has a field of the
        wrong type."""
        if http_request(event) is None:
            _logger.info("not an HTTP event, acknowledged", extra={"event": event_shape(event)})
            return None
        return self._mangum(event, context)

    def before_snapshot(self) -> None:
        """Drop every connection: none would outlive the snapshot."""
        self._end()

    def after_restore(self) -> None:
        """Make the app from the settings and secrets of now, and connect."""
        self._start()

    def close(self) -> None:
        """End the lifespan and the loop."""
        self._end()
        self._loop.close()

    def _start(self) -> None:
        app = self._make_app()
        self._mangum = Mangum(
            app,
            lifespan="off",
            custom_handlers=[_RestApiEvent, _FunctionUrlEvent],
            text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"],
        )
        self._stop = stop = asyncio.Event()
        ready = asyncio.Event()

        async def hold_open() -> None:
            # A task of its own: the lifespan's task group must end in the task it began in.
            async with app.router.lifespan_context(app):
                ready.set()
                await stop.wait()

        async def started() -> asyncio.Task[None]:
            lifespan = asyncio.create_task(hold_open())
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({lifespan, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if lifespan.done():
                waiting.cancel()
                lifespan.result()
            return lifespan

        self._lifespan = self._loop.run_until_complete(started())

    def _end(self) -> None:
        self._stop.set()
        self._loop.run_until_complete(self._lifespan)


class _Request:
    """Reads an event as ChatFunction's runtime does, so that a request means the same to both:
    Mangum would decode a path that has been decoded before."""

    event: LambdaEvent
    context: LambdaContext

    @property
    def body(self) -> bytes:
        request = http_request(self.event)
        assert request is not None
        return request.body

    @property
    def scope(self) -> Scope:
        request = http_request(self.event)
        assert request is not None
        return {**request.scope, "aws.event": self.event, "aws.context": self.context}


class _RestApiEvent(_Request, APIGateway):
    """Payload 1.0."""

    @classmethod
    def infer(cls, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> bool:  # noqa: ARG003
        return "httpMethod" in event


class _FunctionUrlEvent(_Request, HTTPGateway):
    """Payload 2.0, also of an event written by hand that has only what is read."""

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        super().__init__({**event, "version": "2.0"}, context, config)

    @classmethod
    def infer(cls, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> bool:  # noqa: ARG003
        return "httpMethod" not in event
