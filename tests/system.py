"""The whole local system, once per test session: real functions behind real Function URLs.

It shares the session's Postgres. The scripted model answers without delay and can be held and made
to fail through `system.model`; the functions' faults and records are at `system.chat` and
`system.tools`. Tests take fresh users (`system.token(user_id)`) and clean nothing up.

The platform is tested on the domain of `tests/tickets.py`. Tests about what is deployed, and those
of the domain that is deployed, take the one that is there when nobody names another.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem
from sidestream.store.migrate import migrate
from tests.tickets import PACKAGE


@asynccontextmanager
async def running(
    postgres: EmbeddedPostgres, *, engine: Path | None = None, **settings: str
) -> AsyncIterator[LocalSystem]:
    """Run a system, without the page. With a container engine it lets containers in."""
    folder = Path(tempfile.mkdtemp(prefix="sidestream-system-"))
    options = LocalOptions(
        folder=folder,
        chat_port=0,
        tools_port=0,
        web_port=0,
        settings=settings,
        model_delay_ms=0,
        durable=False,
        engine=engine,
        tidy_every_s=None,
    )
    system = LocalSystem(options, postgres=postgres)
    migrate(postgres.owner_url, folders=system.domain.migration_folders)
    try:
        async with system:
            yield system
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(postgres: EmbeddedPostgres) -> AsyncIterator[LocalSystem]:
    """The running system, on the domain that the platform is tested on."""
    async with running(postgres, DOMAIN=PACKAGE) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed_system(postgres: EmbeddedPostgres) -> AsyncIterator[LocalSystem]:
    """The running system, on the domain that the template deploys."""
    async with running(postgres) as started:
        yield started
