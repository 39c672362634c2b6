"""The chat as the running system has it, as a function of its own with other settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sidestream.local.emulator import FunctionUrl
from sidestream.local.system import LocalSystem


@asynccontextmanager
async def chat_function(
    system: LocalSystem, *, timeout_s: float = 300, **settings: str
) -> AsyncIterator[FunctionUrl]:
    """Another ChatFunction on the same database, model and tools, with one warm environment."""
    spec = system.chat.spec
    env = {**spec.env, **settings}
    async with FunctionUrl(replace(spec, port=0, timeout_s=timeout_s, env=env)) as function:
        await function.warm()
        yield function
