"""TasksFunction's app over real HTTP and real Postgres, and people who talk to it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from sidestream.config import Settings
from sidestream.identity import tool_key
from sidestream.store.ids import new_id
from sidestream.tasks.app import create_app
from tests.asgi_server import serve
from tests.sign_in import SignIn, sign_in_server

TOOL_SECRET = "a secret for tool tokens, 32 bytes or more"


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


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, whom no other test knows."""

    http: httpx2.AsyncClient
    sign_in: SignIn
    id: str = field(default_factory=lambda: new_id("user"))

    @property
    def path(self) -> str:
        return f"/api/{self.id}/tasks"

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request as the page does, with this person's JWT."""
        headers = {
            "authorization": f"Bearer {self.sign_in.token(self.id)}",
            **options.pop("headers", {}),
        }
        return await self.http.request(method, path, headers=headers, **options)

    async def add(self, title: str, **fields: Any) -> dict[str, Any]:
        """Make a task and give it."""
        answer = await self.request("POST", self.path, json={"title": title, **fields})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def titles(self, **params: Any) -> list[str]:
        """List the person's tasks and give their titles."""
        answer = await self.request("GET", self.path, params=params)
        assert answer.status_code == 200, answer.text
        return [task["title"] for task in answer.json()["data"]]

    def tool_token(self) -> str:
        """A token with which the chat calls tools for this person."""
        return tool_key(TOOL_SECRET).mint(self.id)[0]

    async def call(
        self, tool: str, arguments: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        """Call a tool with one raw POST, as the chat does, and give the result."""
        answer = await self.http.post(
            "/mcp",
            headers={"authorization": f"Bearer {self.tool_token()}", **modern_headers(tool)},
            json=modern_call(tool, arguments, key),
        )
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result


def modern_headers(tool: str) -> dict[str, str]:
    """The headers of a 2026-07-28 `tools/call`."""
    return {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        "accept": "application/json, text/event-stream",
    }


def modern_call(
    tool: str, arguments: dict[str, Any] | None = None, key: str | None = None
) -> dict[str, Any]:
    """The body of a 2026-07-28 `tools/call`."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    if key is not None:
        meta["sidestream/idempotency-key"] = key
    params = {"name": tool, "arguments": arguments or {}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@pytest.fixture
def alice(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:
    return Person(http, sign_in)


@pytest.fixture
def bob(http: httpx2.AsyncClient, sign_in: SignIn) -> Person:
    return Person(http, sign_in)
