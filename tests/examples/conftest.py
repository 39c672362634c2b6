"""The tickets on the whole platform: their function and the chat over real HTTP, on the session's
Postgres and model, and people who talk to them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import HttpUrl

from examples.tickets.app import create_app
from examples.tickets.pack import DOMAIN
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate
from tests.asgi_server import serve
from tests.chat.client import Client
from tests.chat.conftest import chat_settings, model, under_uvicorn  # noqa: F401

type Ticket = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """The running tickets' function, and the settings of a chat that works on it."""

    url: str
    settings: ChatSettings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(owner_url: str, chat_settings: ChatSettings) -> AsyncIterator[Desk]:  # noqa: F811
    migrate(owner_url, folders=DOMAIN.migration_folders)
    async with serve(create_app(chat_settings)) as url:
        changes = {"tools_mcp_url": HttpUrl(f"{url}/mcp"), "domain": "examples.tickets"}
        yield Desk(url, chat_settings.model_copy(update=changes))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat_url(desk: Desk) -> AsyncIterator[str]:
    """The chat, with the tickets as its domain."""
    async with under_uvicorn(desk.settings) as chat:
        yield chat.url


class Agent:
    """Somebody at the desk, whom no other test knows: talks to the chat, and to REST."""

    def __init__(self, desk: Desk, chat: Client) -> None:
        self.chat = chat
        self._desk = desk

    @property
    def path(self) -> str:
        return f"/api/{self.chat.user_id}/tickets"

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request to the tickets' function."""
        headers = {"authorization": f"Bearer {self.chat.token}", **options.pop("headers", {})}
        async with httpx2.AsyncClient(base_url=self._desk.url, timeout=20) as http:
            return await http.request(method, path, headers=headers, **options)

    async def open(self, *subjects: str, **fields: str) -> dict[str, str]:
        """Open tickets. Gives their ids by subject."""
        ids = {}
        for subject in subjects:
            answer = await self.request("POST", self.path, json={"subject": subject, **fields})
            assert answer.status_code == 201, answer.text
            ids[subject] = answer.json()["id"]
        return ids

    async def tickets(self, **params: str) -> list[Ticket]:
        """List the tickets, the oldest first."""
        answer = await self.request("GET", self.path, params=params)
        assert answer.status_code == 200, answer.text
        data: list[Ticket] = answer.json()["data"]
        return data[::-1]

    async def subjects(self, **params: str) -> list[str]:
        """List the tickets' subjects, the oldest first."""
        return [ticket["subject"] for ticket in await self.tickets(**params)]


@pytest_asyncio.fixture
async def agent(system: LocalSystem, desk: Desk, chat_url: str) -> AsyncIterator[Agent]:
    async with Client(chat_url, system.token(new_id("user"))) as chat:
        yield Agent(desk, chat)


@pytest_asyncio.fixture
async def colleague(system: LocalSystem, desk: Desk, chat_url: str) -> AsyncIterator[Agent]:
    """Another one, who reads Urdu."""
    async with Client(chat_url, system.token(new_id("user")), language="ur-PK") as chat:
        yield Agent(desk, chat)


@pytest.fixture
def scripted(system: LocalSystem, model: ScriptedModelServer) -> ScriptedModelServer:  # noqa: F811
    """The model, which remembers only what this test asks of it."""
    system.model.requests.clear()
    return model
