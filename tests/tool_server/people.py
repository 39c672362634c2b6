"""People who use a tool server over HTTP, as the page and the chat do: of the tickets, unless the
tests of another domain say otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sidestream.signing_key import tool_key
from sidestream.store.ids import new_id
from tests.sign_in import SignIn

TOOL_SECRET = "a secret for tool tokens, 32 bytes or more"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, whom no other test knows."""

    THINGS: ClassVar = "tickets"
    TITLE: ClassVar = "subject"

    http: httpx2.AsyncClient
    sign_in: SignIn
    id: str = field(default_factory=lambda: new_id("user"))

    @property
    def path(self) -> str:
        return f"/api/{self.id}/{self.THINGS}"

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request as the page does, with this person's JWT."""
        headers = {
            "authorization": f"Bearer {self.sign_in.token(self.id)}",
            **options.pop("headers", {}),
        }
        return await self.http.request(method, path, headers=headers, **options)

    async def add(self, title: str, **fields: Any) -> dict[str, Any]:
        """Make a thing and give it."""
        answer = await self.request("POST", self.path, json={self.TITLE: title, **fields})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def titles(self, **params: Any) -> list[str]:
        """List the person's things and give their titles."""
        answer = await self.request("GET", self.path, params=params)
        assert answer.status_code == 200, answer.text
        return [thing[self.TITLE] for thing in answer.json()["data"]]

    def tool_token(self) -> str:
        """A token with which the chat calls tools for this person."""
        return tool_key(TOOL_SECRET).mint(self.id)[0]

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any] | None = None,
        key: str | None = None,
        **meta: Any,
    ) -> dict[str, Any]:
        """Call a tool with one raw POST, as the chat does, and give the result."""
        answer = await self.http.post(
            "/mcp",
            headers={"authorization": f"Bearer {self.tool_token()}", **modern_headers(tool)},
            json=modern_call(tool, arguments, key, **meta),
        )
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result


@asynccontextmanager
async def client_of(person: Person, mode: str) -> AsyncIterator[Client]:
    """The SDK's client, signed in as a person."""
    headers = {"authorization": f"Bearer {person.tool_token()}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        transport = streamable_http_client(str(person.http.base_url.join("/mcp")), http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def modern_headers(tool: str) -> dict[str, str]:
    """The headers of a 2026-07-28 `tools/call`."""
    return {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        "accept": "application/json, text/event-stream",
    }


def modern_call(
    tool: str, arguments: dict[str, Any] | None = None, key: str | None = None, **meta: Any
) -> dict[str, Any]:
    """The body of a 2026-07-28 `tools/call`."""
    meta |= {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    if key is not None:
        meta["sidestream/idempotency-key"] = key
    params = {"name": tool, "arguments": arguments or {}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def assert_problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check an answer that is a problem document (RFC 9457), and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["request_id"] == answer.headers["x-request-id"]
    return document
