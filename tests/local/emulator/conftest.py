"""Functions behind their URLs, for the tests of the emulator."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from sidestream.local.emulator import FunctionSpec, FunctionUrl
from tests.local.emulator.support import Deploy, Deployed


@pytest.fixture
async def deploy() -> AsyncIterator[Deploy]:
    """Starts a function: `await deploy(spec, **changes)`."""
    async with AsyncExitStack() as stack:

        async def start(spec: FunctionSpec, *, warm: int = 0, **changes: Any) -> Deployed:
            lines: list[str] = []
            url = FunctionUrl(
                dataclasses.replace(spec, **changes),
                on_log=lambda _name, line: lines.append(line),
                min_environments=warm,
            )
            await stack.enter_async_context(url)
            return await stack.enter_async_context(Deployed.connect(url, lines))

        yield start
