"""`sidestream local`: one system, from the command to the signal that ends it."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console

from sidestream.local.emulator.environment import InitError
from sidestream.local.endpoints import Endpoints
from sidestream.local.errors import LocalSystemError
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EXIT_INTERRUPTED = 130
_SAME_REQUEST_S = 1.0


async def serve(
    options: LocalOptions, console: Console | None, on_ready: Callable[[Endpoints], None]
) -> None:
    """Run a system until SIGINT, SIGTERM or SIGHUP, then end all of it.

    A person's second Ctrl-C ends this process at once; the functions die with it. Raises
    `LocalSystemError` and the errors of the parts.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(_run(options, console, on_ready))
    asked_at: float | None = None

    def on_signal(number: signal.Signals) -> None:
        nonlocal asked_at
        if asked_at is None:
            asked_at = loop.time()
            running.cancel()
        # One request to end may come twice at once: to the process and to its group.
        elif number is signal.SIGINT and loop.time() - asked_at > _SAME_REQUEST_S:
            os._exit(_EXIT_INTERRUPTED)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    with suppress(asyncio.CancelledError):
        await running


async def _run(
    options: LocalOptions, console: Console | None, on_ready: Callable[[Endpoints], None]
) -> None:
    async with LocalSystem(options, console=console) as system:
        on_ready(system.endpoints)
        # A stop arrives while the run holds the first environment: a second one takes it at once.
        spare = asyncio.create_task(_warm_spare(system))
        try:
            name = await system.broken()
        finally:
            spare.cancel()
        raise LocalSystemError(f"The local system ends because {name} ended.")


async def _warm_spare(system: LocalSystem) -> None:
    with suppress(InitError):
        await system.chat.warm(2)
