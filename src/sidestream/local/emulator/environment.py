"""One execution environment: a process, its Runtime API, and the clock over both.

Source: "Understanding the Lambda execution environment lifecycle" and "Improving startup
performance with Lambda SnapStart" in the Lambda Developer Guide.
"""

import asyncio
import enum
import time
from collections.abc import Callable

from .faults import Faults
from .function import FunctionSpec
from .invocation import FunctionError, Invocation, Phase
from .process import FunctionProcess, LineSink
from .runtime_api import RuntimeApi
from .variables import function_arn, process_environment

RESTORE_TIMEOUT_S = 10.0
_SNAPSHOT_INIT_TIMEOUT_S = 130.0
_STOP_GRACE_S = 2.0
_EXIT_GRACE_S = 1.0
_AT_WORK = (Phase.RUNNING, Phase.RESPONDING)


class State(enum.Enum):
    """Where an environment stands.

        STARTING -> READY -------------------> DEAD
            |         ^                         ^
            +-> SNAPSHOT -> RESTORING -> READY -+

    It is READY from the first `/next` on, whether it works or waits; the lower way is SnapStart's.
    Every state can lead to DEAD, and nothing leads back.
    """

    STARTING = "starting"
    SNAPSHOT = "snapshot"
    RESTORING = "restoring"
    READY = "ready"
    DEAD = "dead"


class InitError(Exception):
    """An environment could not be started or restored."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error


class Environment:
    """`reserved` counts the requests that have a place in it, up to the function's `capacity`.

    `on_change` is called when a place becomes free and when the environment dies.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        faults: Faults,
        on_line: LineSink,
        on_change: Callable[[], None],
    ) -> None:
        self.state = State.STARTING
        self.reserved = 0
        self.last_used_s = 0.0
        self.init_duration_ms: float | None = None
        self.restore_duration_ms: float | None = None
        self._spec = spec
        self._on_line = on_line
        self._on_change = on_change
        self._api = RuntimeApi(self, function_arn(spec), faults)
        self._process: FunctionProcess | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._initialised = asyncio.Event()
        self._restored = asyncio.Event()
        self._error: FunctionError | None = None
        self._stopping = False
        self._began_s = time.monotonic()
        self._timers: dict[Invocation, asyncio.TimerHandle] = {}

    @property
    def pid(self) -> int | None:
        """The process's id, None before it started."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """The process's, None while it runs; negative when a signal ended it."""
        return self._process.exit_code if self._process else None

    @property
    def has_room(self) -> bool:
        """Whether one more request may be placed here."""
        return self.state is not State.DEAD and self.reserved < self._spec.capacity

    @property
    def finishing(self) -> bool:
        """Whether a place is about to become free: answered, but `/next` not called yet."""
        return self.state is State.READY and any(
            invocation.phase is Phase.DONE for invocation in self._timers
        )

    @property
    def ended(self) -> bool:
        """Whether nothing is left of it."""
        return self.state is State.DEAD and (self._watcher is None or self._watcher.done())

    async def start(self) -> None:
        """Start the process. Failures show in `ready`."""
        self._began_s = time.monotonic()
        await self._api.start()
        try:
            self._process = await FunctionProcess.spawn(
                self._spec.argv,
                process_environment(self._spec, self._api.address),
                self._spec.cwd,
                self._on_line,
            )
        except OSError as error:
            self._die(FunctionError("Runtime.InvalidEntrypoint", str(error)))
            await self._api.close()
            return
        self._watcher = asyncio.create_task(self._watch(self._process))

    async def ready(self) -> None:
        """Wait for initialisation to end. Raises `InitError`."""
        snapshot = self._spec.initialization_type == "snap-start"
        limit_s = max(_SNAPSHOT_INIT_TIMEOUT_S, self._spec.timeout_s) if snapshot else 0.0
        remaining_s = self._began_s + max(limit_s, self._spec.init_timeout_s) - time.monotonic()
        try:
            async with asyncio.timeout(remaining_s):
                await self._initialised.wait()
        except TimeoutError:
            self._die(FunctionError("Sandbox.Timedout", "the init phase took too long"))
        if self._error:
            raise InitError(self._error)

    async def invoke(self, invocation: Invocation) -> None:
        """Run an invocation that has a place here; its outcome is settled when this returns.

        Raises `InitError`.
        """
        await self.ready()
        if self._spec.initialization_type == "snap-start":
            await self._restore()
        self.last_used_s = time.monotonic()
        if self.state is State.DEAD or self._process is None:
            invocation.fail(FunctionError("Runtime.ExitError", "the environment has ended"))
            return
        invocation.begin(self._spec.timeout_s)
        loop = asyncio.get_running_loop()
        self._timers[invocation] = loop.call_later(self._spec.timeout_s, self._expire, invocation)
        self._process.thaw()
        self._api.offer(invocation)
        await invocation.outcome
        if self._spec.max_concurrency is not None:
            self._release(invocation)

    def kill(self) -> None:
        """Crash the environment: SIGKILL to its whole process group, and no more requests."""
        self.state = State.DEAD
        if self._process:
            self._process.kill()

    async def stop(self) -> None:
        """End the process, politely first, and everything it started."""
        self._stopping = True
        self.state = State.DEAD
        if self._process:
            await self._process.stop(_STOP_GRACE_S)
        if self._watcher:
            await self._watcher
        await self._api.close()

    def polled(self) -> bool:
        """The runtime calls `/next`: it is ready, and done with what it had."""
        if self.state is State.DEAD:
            return False
        if self._spec.max_concurrency is None:
            if any(invocation.phase in _AT_WORK for invocation in self._timers):
                return False
            for invocation in [i for i in self._timers if i.phase is Phase.DONE]:
                self._release(invocation)
        if self.state is State.STARTING:
            self._initialise()
        self.state = State.READY
        self._restored.set()
        if self._spec.freeze and self.reserved == 0 and self._spec.max_concurrency is None:
            self._freeze()
        return True

    def snapshot_due(self) -> bool:
        """The runtime calls `/restore/next`: the moment of the snapshot."""
        if self.state is not State.STARTING or self._spec.initialization_type != "snap-start":
            return False
        self._initialise()
        self.state = State.SNAPSHOT
        if self._spec.freeze and self.reserved == 0:
            self._freeze()
        return True

    def init_failed(self, error: FunctionError) -> bool:
        """The runtime calls `/init/error`."""
        if self.state is not State.STARTING:
            return False
        self._die(error)
        return True

    def restore_failed(self, error: FunctionError) -> bool:
        """The runtime calls `/restore/error`."""
        if self.state is not State.RESTORING:
            return False
        self._die(error)
        return True

    def _initialise(self) -> None:
        self.init_duration_ms = (time.monotonic() - self._began_s) * 1000
        self._initialised.set()

    def _freeze(self) -> None:
        if self._process:
            self._process.freeze()

    async def _restore(self) -> None:
        if self.state is State.SNAPSHOT and self._process:
            self.state = State.RESTORING
            began_s = time.monotonic()
            self._process.thaw()
            self._api.restored.set()
            try:
                async with asyncio.timeout(RESTORE_TIMEOUT_S):
                    await self._restored.wait()
            except TimeoutError:
                self._die(FunctionError("Sandbox.Timedout", "the restore phase took too long"))
            self.restore_duration_ms = (time.monotonic() - began_s) * 1000
        await self._restored.wait()
        if self._error:
            raise InitError(self._error)

    def _release(self, invocation: Invocation) -> None:
        timer = self._timers.pop(invocation, None)
        if timer is None:
            return
        timer.cancel()
        self.reserved -= 1
        self._on_change()

    def _expire(self, invocation: Invocation) -> None:
        message = f"Task timed out after {self._spec.timeout_s:.2f} seconds"
        self._on_line(f"RequestId: {invocation.request_id} {message}")
        invocation.fail(FunctionError("Sandbox.Timedout", message))
        self._api.interrupt(invocation)
        if self._spec.max_concurrency is None:
            self.kill()

    def _die(self, error: FunctionError) -> None:
        """Give the environment up before it served anything."""
        if self._error is None:
            self._error = error
        if not (self._stopping or self._initialised.is_set()):
            self._on_line(f"INIT_REPORT Status: error Error Type: {error.type} {error.message}")
        self.state = State.DEAD
        self._initialised.set()
        self._restored.set()
        if self._process and self._process.exit_code is None:
            # A runtime that has reported an error is about to exit by itself.
            asyncio.get_running_loop().call_later(_EXIT_GRACE_S, self._process.kill)
        self._on_change()

    async def _watch(self, process: FunctionProcess) -> None:
        code = await process.wait()
        polled_once = self._restored.is_set()
        if polled_once:
            self.state = State.DEAD
        await self._api.settle()
        reason = f"signal {-code}" if code < 0 else f"exit status {code}"
        error = FunctionError("Runtime.ExitError", f"Runtime exited with error: {reason}")
        for invocation, timer in list(self._timers.items()):
            timer.cancel()
            if invocation.phase is not Phase.DONE:
                self._on_line(f"RequestId: {invocation.request_id} Error: {error.message}")
                invocation.fail(error)
        if not polled_once:
            self._die(error)
        self._on_change()
        await self._api.close()
        await process.stop(0)
