"""The whole local system, once per test session: real functions behind real Function URLs.

It shares the session's Postgres. The scripted model answers without delay and can be held and made
to fail through `system.model`; the functions' faults and records are at `system.chat` and
`system.tools`. Tests take fresh users (`system.token(user_id)`) and clean nothing up.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(postgres: EmbeddedPostgres) -> AsyncIterator[LocalSystem]:
    """The running system, without the page."""
    folder = Path(tempfile.mkdtemp(prefix="sidestream-system-"))
    options = LocalOptions(
        folder=folder, chat_port=0, tools_port=0, web_port=0, model_delay_ms=0, durable=False
    )
    try:
        async with LocalSystem(options, postgres=postgres) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
