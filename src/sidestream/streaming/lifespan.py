"""The ASGI lifespan protocol: startup during Lambda's init phase, shutdown on SIGTERM.

Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html. Lambda sends SIGTERM only when
an extension is registered
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown).
"""

import asyncio
import logging
from typing import Any

from .asgi import App, Message
from .errors import LifespanError

log = logging.getLogger(__package__)


class Lifespan:
    """One application's lifespan, as a task that stays until shutdown.

    ``state`` is what the app put into the scope at startup; every request gets a shallow copy.
    An application that knows no lifespan raises on its scope, which is not an error.
    """

    def __init__(self, app: App) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._started: asyncio.Future[None] | None = None
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Run the app's startup to its end.

        Raises:
            LifespanError: the app answered that it failed.
        """
        self._started = asyncio.get_running_loop().create_future()
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._run(), name="lifespan")
        await self._started

    async def shutdown(self) -> None:
        """Run the app's shutdown to its end; a failure is logged."""
        if self._task is None or self._task.done():
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await self._stopped.wait()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._inbox.get, self._send)
        except Exception as error:
            if self._started is not None and self._started.done():
                log.exception("The application's lifespan failed after startup")
            else:
                log.debug("The application has no lifespan: %s", type(error).__name__)
        finally:
            self._resolve(None)
            self._stopped.set()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._resolve(None)
            case "lifespan.startup.failed":
                said = str(message.get("message", ""))
                log.error("The application's startup failed: %s", said)
                # Beside what ASGI knows: whether the message may leave the log.
                reportable = message.get("reportable") is True
                self._resolve(LifespanError(said, reportable=reportable))
            case "lifespan.shutdown.complete":
                self._stopped.set()
            case "lifespan.shutdown.failed":
                log.error("The application's shutdown failed: %s", message.get("message", ""))
                self._stopped.set()

    def _resolve(self, error: LifespanError | None) -> None:
        if self._started is not None and not self._started.done():
            if error is None:
                self._started.set_result(None)
            else:
                self._started.set_exception(error)
