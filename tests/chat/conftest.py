"""People who talk to the running system, and views of what it then holds."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row

from sidestream.chat.app import create_app
from sidestream.chat.services import Services
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.asgi_server import serve
from tests.chat.client import Client, Document
from tests.tickets import tickets_of


class MakePerson(Protocol):
    """Gives a client for a user; without a name for one whom no other test knows."""

    def __call__(self, user_id: str | None = None, *, language: str = "en") -> Client: ...


type Rows = Callable[..., Awaitable[list[dict[str, Any]]]]
type TicketList = Callable[[Client], Awaitable[list[Document]]]


@pytest_asyncio.fixture
async def person(system: LocalSystem) -> AsyncIterator[MakePerson]:
    """People, as many as a test needs.

    The model forgets who asked before: it remembers a thousand requests, and tests count them.
    """
    system.model.requests.clear()
    async with AsyncExitStack() as stack:
        clients: list[Client] = []

        def make(user_id: str | None = None, *, language: str = "en") -> Client:
            token = system.token(user_id or new_id("user"))
            clients.append(Client(system.chat.url, token, language=language))
            stack.push_async_exit(clients[-1])
            return clients[-1]

        yield make


@pytest.fixture
def alice(person: MakePerson) -> Client:
    return person()


@pytest.fixture
def bob(person: MakePerson) -> Client:
    return person()


@pytest.fixture
def model(system: LocalSystem) -> Iterator[ScriptedModelServer]:
    """The scripted model, let go of at the end, with nothing left of what it was told to say."""
    yield system.model
    system.model.release()
    assert system.model.next_step() is None


@pytest.fixture
def rows(owner_url: str) -> Rows:
    """Queries as the tables' owner, who sees every user's rows: `await rows(sql, *params)`."""

    async def query(sql: str, *params: Any) -> list[dict[str, Any]]:
        connecting = psycopg.AsyncConnection.connect(owner_url, row_factory=dict_row)
        async with await connecting as connection:
            cursor = await connection.execute(sql.encode(), params)
            return await cursor.fetchall()

    return query


@pytest.fixture
def tickets(system: LocalSystem) -> TicketList:
    """A person's tickets by REST, the oldest first."""

    def read(client: Client) -> Awaitable[list[Document]]:
        return tickets_of(system, client)

    return read


@dataclass(frozen=True, slots=True)
class UvicornChat:
    """The chat's app under uvicorn, in this process."""

    url: str
    services: Services


@pytest.fixture(scope="session")
def chat_settings(system: LocalSystem) -> ChatSettings:
    """The settings that the system gives its ChatFunction, without the limit on messages."""
    env = system.chat.spec.env
    names = {name for name in ChatSettings.model_fields if name.upper() in env}
    values: dict[str, Any] = {name: env[name.upper()] for name in names}
    values["auth_issuers"] = json.loads(values["auth_issuers"])
    return ChatSettings.model_validate(values | {"requests_per_minute": 0, "tokens_per_day": 0})


@asynccontextmanager
async def under_uvicorn(settings: ChatSettings) -> AsyncIterator[UvicornChat]:
    """Serve the chat with some settings."""
    app = create_app(settings)
    async with serve(app) as url:
        yield UvicornChat(url, app.state.services)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def uvicorn_chat(chat_settings: ChatSettings) -> AsyncIterator[UvicornChat]:
    """The same chat without Lambda, on the same database, tools and model."""
    async with under_uvicorn(chat_settings) as chat:
        yield chat
