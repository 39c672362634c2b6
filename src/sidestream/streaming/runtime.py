"""The life of the process: init, SnapStart, serving, shutdown, and the exit code of each end.

The phases are those of "Lambda runtime environment lifecycle"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). The event loop is
one for all of them; hooks and imports run between its runs, so that they may block.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from . import snapstart
from .app import load_app
from .asgi import App
from .errors import ErrorReport, RuntimeApiError, RuntimeApiGoneError, reportable_message
from .lifespan import Lifespan
from .poller import Poller
from .runtime_api import RuntimeApi
from .settings import Settings

log = logging.getLogger(__package__)

EXIT_OK = 0
EXIT_FAILED = 1

# Lambda allows 2 s for the shutdown phase; what is in flight and the lifespan share them.
_SHUTDOWN_STEP_S = 0.9


class Runtime:
    """Serves the application that ``STREAM_APP`` names until Lambda ends the environment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cold = settings.initialization_type != "provisioned-concurrency"

    def run(self) -> int:
        """Run all phases; return the process's exit code."""
        with asyncio.Runner() as runner:
            try:
                app = load_app(self._settings.app)
                lifespan = Lifespan(app)
                runner.run(lifespan.startup())
            except Exception as error:
                log.critical("The function could not be initialised", exc_info=error)
                runner.run(report_init_error(self._settings.runtime_api, ErrorReport.of(error)))
                return EXIT_FAILED
            if self._settings.initialization_type == snapstart.INITIALIZATION_TYPE:
                exit_code = self._snapshot(runner)
                if exit_code != EXIT_OK:
                    return exit_code
            return runner.run(self._serve(app, lifespan))

    def _snapshot(self, runner: asyncio.Runner) -> int:
        """Pass through the snapshot. AWS's client counts a failing ``restore/next`` as before."""
        api = RuntimeApi(self._settings.runtime_api)
        try:
            snapstart.run_before_snapshot(runner)
            runner.run(api.restore_next())
        except Exception as error:
            log.critical("A hook before the snapshot failed", exc_info=error)
            message = reportable_message(error) or "A before-snapshot hook failed."
            report = ErrorReport("Runtime.BeforeSnapshotError", message)
            runner.run(report_init_error(self._settings.runtime_api, report))
            return snapstart.EXIT_BEFORE_SNAPSHOT_FAILED
        try:
            snapstart.run_after_restore(runner)
        except Exception as error:
            log.critical("A hook after the restore failed", exc_info=error)
            message = reportable_message(error) or "An after-restore hook failed."
            report = ErrorReport("Runtime.AfterRestoreError", message)
            runner.run(_report(api.restore_error, report))
            return snapstart.EXIT_AFTER_RESTORE_FAILED
        return EXIT_OK

    async def _serve(self, app: App, lifespan: Lifespan) -> int:
        stop = _stop_on_signals()
        pollers = [
            asyncio.create_task(
                Poller(self._settings, app, lifespan.state, self._take_cold_start).run(),
                name=f"poller-{number}",
            )
            for number in range(self._settings.max_concurrency or 1)
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({*pollers, stopping}, return_when=asyncio.FIRST_COMPLETED)
        exit_code = EXIT_OK
        for poller in pollers:
            if poller.done() and not poller.cancelled() and (error := poller.exception()):
                _log_end(error)
                exit_code = EXIT_FAILED
            poller.cancel()
        stopping.cancel()
        await asyncio.wait(pollers, timeout=_SHUTDOWN_STEP_S)
        try:
            async with asyncio.timeout(_SHUTDOWN_STEP_S):
                await lifespan.shutdown()
        except TimeoutError:
            log.warning("The application's shutdown took too long")
        return exit_code

    def _take_cold_start(self) -> bool:
        cold, self._cold = self._cold, False
        return cold


async def report_init_error(runtime_api: str, report: ErrorReport) -> None:
    """Tell Lambda that the environment cannot be used; an unreachable Lambda is logged."""
    await _report(RuntimeApi(runtime_api).init_error, report)


async def _report(post: Callable[[ErrorReport], Awaitable[object]], report: ErrorReport) -> None:
    try:
        await post(report)
    except OSError as error:
        log.error("The error could not be reported: %s", error)


def _log_end(error: BaseException) -> None:
    if isinstance(error, RuntimeApiGoneError):
        log.info("The end: %s", error)
        return
    expected = isinstance(error, RuntimeApiError | OSError)
    log.critical("The runtime cannot go on: %s", error, exc_info=None if expected else error)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
