"""The tickets' app over real HTTP and real Postgres, and people who talk to it."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from examples.tickets.app import create_app
from sidestream.config import Settings
from tests.asgi_server import serve
from tests.sign_in import SignIn, sign_in_server
from tests.tool_server.people import TOOL_SECRET, Person


@pytest.fixture(scope="session")
def sign_in() -> Iterator[SignIn]:
    with sign_in_server() as service:
        yield service


@pytest.fixture(scope="session")
def settings(app_url: str, sign_in: SignIn) -> Settings:
    return Settings(
        database_url=SecretStr(app_url),
        tool_signing_key=SecretStr(TOOL_SECRET),
        auth_issuers=(sign_in.issuer,),
        max_body_bytes=100_000,
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def base_url(settings: Settings) -> AsyncIterator[str]:
    """The running app."""
    async with serve(create_app(settings)) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client


@pytest.fixture
def alice(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:
    return Person(http, sign_in)


@pytest.fixture
def bob(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:
    return Person(http, sign_in)
