"""Lambda SnapStart: the user's hooks around the snapshot, in AWS's order and with its exit codes.

Hooks are registered with the official ``snapshot_restore_py``
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html). Before the
snapshot they run last in, first out; after the restore first in, first out. The sequence and the
exit codes are those of AWS's Python runtime client (``awslambdaric.bootstrap.on_init_complete``).
"""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any

INITIALIZATION_TYPE = "snap-start"
EXIT_BEFORE_SNAPSHOT_FAILED = 64
EXIT_AFTER_RESTORE_FAILED = 65

type Hook = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def run_before_snapshot(runner: asyncio.Runner) -> None:
    """Run the hooks that were registered for the moment before the snapshot.

    Raises:
        Exception: whatever a hook raises; the remaining hooks do not run.
    """
    hooks = _registered("get_before_snapshot")
    while hooks:
        _run(hooks.pop(), runner)


def run_after_restore(runner: asyncio.Runner) -> None:
    """Run the hooks that were registered for the moment after the restore.

    Every environment restored from one snapshot has the same random state, so that is renewed
    before the first hook.

    Raises:
        Exception: whatever a hook raises; the remaining hooks do not run.
    """
    random.seed()
    for hook in _registered("get_after_restore"):
        _run(hook, runner)


def _registered(getter: str) -> list[Hook]:
    try:
        import snapshot_restore_py  # type: ignore[import-untyped]
    except ImportError:
        return []
    hooks: list[Hook] = getattr(snapshot_restore_py, getter)()
    return hooks


def _run(hook: Hook, runner: asyncio.Runner) -> None:
    """Call a hook outside the event loop; what it returns is awaited inside, if it can be."""
    function, args, kwargs = hook
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        runner.run(_finish(result))


async def _finish(result: Awaitable[object]) -> None:
    await result
