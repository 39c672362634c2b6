"""A cloud of its own for each walker: both functions, and a proxy before all that they use."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from sidestream.local.emulator import FunctionUrl
from sidestream.local.emulator.environment import Environment
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.faults import NO_FAULT
from sidestream.local.system import LocalSystem
from tests.chat.fault_proxy import FaultProxy
from tests.chat.until import until

LEASE_S: Final = 3.0
_SETTINGS: Final = {
    "RUN_LEASE_S": str(LEASE_S),
    "RUN_BEAT_S": "0.3",
    "DATABASE_TIMEOUT_S": "0.5",
    "REQUESTS_PER_MINUTE": "0",
    "TOKENS_PER_DAY": "0",
    "MODEL_MAX_RETRIES": "1",
}
_WARM: Final = 2


@dataclass(slots=True)
class Cloud:
    """What a walker talks to, and what can be made to fail of it.

    `system` is the one that all walkers share: its sign-in, its bucket, and a way to the tickets
    that no fault touches.
    """

    system: LocalSystem
    chat: FunctionUrl
    tools: FunctionUrl
    model: ScriptedModelServer
    database_line: FaultProxy
    model_line: FaultProxy
    tools_line: FaultProxy

    @property
    def lines(self) -> tuple[FaultProxy, ...]:
        """The proxies."""
        return (self.database_line, self.model_line, self.tools_line)

    @staticmethod
    def busy(function: FunctionUrl) -> list[Environment]:
        """The environments of a function that are at work."""
        return [each for each in function.environments if each.reserved and each.pid]

    def freeze(self) -> list[int]:
        """Stop the chat where it is at work. Gives what `thaw` takes."""
        groups = [each.pid for each in self.busy(self.chat) if each.pid is not None]
        for group in groups:
            os.killpg(group, signal.SIGSTOP)
        return groups

    @staticmethod
    def thaw(groups: list[int]) -> None:
        """Let frozen environments go on."""
        for group in groups:
            os.killpg(group, signal.SIGCONT)

    async def flow(self) -> None:
        """Let everything pass."""
        self.model.release()
        for line in self.lines:
            line.release()
            if not line.listening:
                await line.accept()

    async def mend(self) -> None:
        """Have everything work again, and wait until nothing is left of what was going on."""
        await self.flow()
        while self.model.next_fault() is not NO_FAULT:
            pass
        for line in self.lines:
            line.reset()

        async def idle() -> bool:
            return not self.busy(self.chat) and not self.busy(self.tools)

        await until(idle, within_s=30)
        await self.chat.warm(_WARM)
        await self.tools.warm()


@asynccontextmanager
async def cloud(system: LocalSystem) -> AsyncIterator[Cloud]:
    """Run a cloud beside a system, on its database."""
    spec = system.chat.spec
    quiet = lambda _name, _line: None  # noqa: E731
    async with (
        ScriptedModelServer() as model,
        FaultProxy(spec.env["DATABASE_URL"]) as database_line,
        FaultProxy(model.base_url) as model_line,
    ):
        tools_env = {**system.tools.spec.env, **_SETTINGS, "DATABASE_URL": database_line.url}
        async with (
            FunctionUrl(replace(system.tools.spec, port=0, env=tools_env), quiet) as tools,
            FaultProxy(f"{tools.url}/mcp") as tools_line,
        ):
            chat_env = {
                **spec.env,
                **_SETTINGS,
                "DATABASE_URL": database_line.url,
                "OPENAI_BASE_URL": model_line.url,
                "TOOLS_MCP_URL": tools_line.url,
            }
            async with FunctionUrl(replace(spec, port=0, env=chat_env), quiet) as chat:
                await tools.warm()
                await chat.warm(_WARM)
                yield Cloud(system, chat, tools, model, database_line, model_line, tools_line)
