"""The execution environments of one function, and how requests find a place in them."""

import asyncio
from contextlib import suppress

from .environment import Environment, State
from .faults import Faults
from .function import FunctionSpec
from .process import LineSink

# On AWS the network between two requests of one client gives a runtime the time to call /next. On
# loopback it does not, and every sequential client would start a second environment.
_LOOPBACK_GRACE_S = 0.1


class ThrottledError(Exception):
    """Every environment is busy and no more may be started."""


class Pool:
    """Starts environments on demand up to the function's `max_environments`.

    The one used last is used first, as on Lambda, so that surplus ones stay idle.
    """

    def __init__(self, spec: FunctionSpec, faults: Faults, on_line: LineSink) -> None:
        self._spec = spec
        self._faults = faults
        self._on_line = on_line
        self._environments: list[Environment] = []
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that live."""
        return tuple(e for e in self._environments if e.state is not State.DEAD)

    async def reserve(self) -> tuple[Environment, bool]:
        """A place in an environment, and whether that one still has to start or be restored.

        Raises `ThrottledError`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOPBACK_GRACE_S):
                while (chosen := self._choose()) is None and self._any_finishing():
                    self._changed.clear()
                    await self._changed.wait()
        chosen = self._choose()
        if chosen is None:
            if len(self.environments) >= self._spec.max_environments:
                raise ThrottledError
            chosen = self._start()
        chosen.reserved += 1
        return chosen, chosen.state is not State.READY

    async def warm(self, count: int) -> None:
        """Have `count` environments initialised. Raises `InitError`."""
        while len(self.environments) < min(count, self._spec.max_environments):
            self._start()
        for environment in self.environments[:count]:
            await environment.ready()

    async def close(self) -> None:
        """End every environment."""
        while self._tasks:
            # Those that are done are let go here: to wait for them gives no other code its turn.
            starting, self._tasks = self._tasks, set()
            await asyncio.gather(*starting)
        await asyncio.gather(*(environment.stop() for environment in self._environments))
        self._environments.clear()

    def _choose(self) -> Environment | None:
        free = [environment for environment in self.environments if environment.has_room]
        if not free:
            return None
        return max(free, key=lambda e: (e.state is State.READY, e.last_used_s))

    def _any_finishing(self) -> bool:
        return any(environment.finishing for environment in self.environments)

    def _start(self) -> Environment:
        self._environments = [known for known in self._environments if not known.ended]
        environment = Environment(self._spec, self._faults, self._on_line, self._changed.set)
        self._environments.append(environment)
        task = asyncio.create_task(environment.start())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return environment
