"""TasksFunction's app over real HTTP and real Postgres, and people who talk to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

import httpx2
import pytest
import pytest_asyncio

from sidestream.config import Settings
from sidestream.local.system import LocalSystem
from sidestream.store.migrate import migrate
from sidestream.tasks.app import create_app
from sidestream.tasks.pack import DOMAIN
from tests.asgi_server import serve
from tests.sign_in import SignIn
from tests.tool_server.conftest import settings, sign_in  # noqa: F401
from tests.tool_server.people import Person as Somebody


@dataclass(frozen=True, slots=True)
class Person(Somebody):
    """Somebody with tasks."""

    THINGS: ClassVar = "tasks"
    TITLE: ClassVar = "title"


@pytest.fixture(scope="session")
def system(deployed_system: LocalSystem) -> LocalSystem:
    """The running system with the tasks."""
    return deployed_system


@pytest.fixture(scope="session", autouse=True)
def tables(owner_url: str) -> None:
    """The tasks' tables, beside those of the platform."""
    migrate(owner_url, folders=DOMAIN.migration_folders)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:  # noqa: F811
    """A client of the running app."""
    async with (
        serve(create_app(settings)) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield client


@pytest.fixture
def alice(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:  # noqa: F811
    return Person(http, sign_in)


@pytest.fixture
def bob(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:  # noqa: F811
    return Person(http, sign_in)
