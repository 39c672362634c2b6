"""What people and models see when something behind a tool server breaks, and what the log keeps."""

import json
import logging
import socket
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx2
import pytest

from examples.tickets.app import create_app
from sidestream import telemetry
from sidestream.chat.tools.server import McpClient
from sidestream.config import Settings
from sidestream.problems import OutcomeUnknown
from sidestream.signing_key import tool_key
from sidestream.store.database import Database, Rows, Statement
from tests.asgi_server import serve
from tests.sign_in import SignIn
from tests.tool_server.people import Person

SECRET = "a secret errand"


class BrokenDatabase(Database):
    """Fails as a violated constraint does: with the row in the error's text."""

    def __init__(self) -> None:
        super().__init__("postgresql://unused")

    async def open(self) -> None:
        pass

    async def run(self, user_id: str, *statements: Statement, tag: str = "") -> list[Rows]:
        raise RuntimeError(f"failing row contains ({user_id}, {statements}, {tag}, {SECRET})")


@pytest.fixture
def unreachable() -> Database:
    """A database on a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Database(f"postgresql://app@127.0.0.1:{port}/x", timeout_s=0.5)


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the function writes to its log."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(telemetry.logger("tools").registered_formatter)
    tools = logging.getLogger("tools")
    root = logging.getLogger()
    tools.addHandler(handler)
    root.addHandler(handler)
    yield written
    tools.removeHandler(handler)
    root.removeHandler(handler)


def counted(log: StringIO) -> list[int]:
    """What each request so far counts as: 1 is one that failed by the function's own fault."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    return list({line["request_id"]: line["ServerErrors"] for line in requests}.values())


async def test_no_database_is_a_503_and_a_sentence(
    settings: Settings, sign_in: SignIn, unreachable: Database, log: StringIO
) -> None:
    app = create_app(settings, unreachable)
    async with serve(app) as url, httpx2.AsyncClient(base_url=url, timeout=30) as client:
        person = Person(client, sign_in)
        answer = await person.request("GET", person.path)
        assert answer.status_code == 503
        assert answer.json()["code"] == "database_unavailable"
        assert answer.json()["retryable"] is True
        result = await person.call("list_tickets")
        assert result["isError"] is True
        sentence = "The database cannot be reached\nTry again in a moment."
        assert result["content"] == [{"type": "text", "text": sentence}]
        assert (await client.get("/healthz")).status_code == 200
        deep = await client.get("/healthz?deep")
        parts = {"database": "failing", "sign_in_keys": "ok"}
        assert (deep.status_code, deep.json()) == (503, {"status": "failing", "parts": parts})
        assert (await client.get("/nowhere")).status_code == 404
    assert counted(log) == [1, 1, 0, 1, 0]


class ForgetfulDatabase(BrokenDatabase):
    """A database that is lost each time before it says what it did."""

    async def run(self, *_: object, **__: object) -> list[Rows]:
        raise OutcomeUnknown


async def test_what_nobody_knows_is_told_as_that(
    settings: Settings, sign_in: SignIn, log: StringIO
) -> None:
    app = create_app(settings, ForgetfulDatabase())
    async with serve(app) as url, httpx2.AsyncClient(base_url=url) as client:
        person = Person(client, sign_in)
        answer = await person.request("POST", person.path, json={"subject": "printer"})
        assert answer.status_code == 503
        assert answer.json()["code"] == "outcome_unknown"
        result = await person.call("add_ticket", {"subject": "printer"})
        assert result["_meta"]["sidestream/outcome"] == "unknown"
        words = "It is not known whether this was done\nLook at the tickets before you do it again."
        assert result["content"] == [{"type": "text", "text": words}]
        key = tool_key(settings.tool_signing_key.get_secret_value())
        chat = McpClient(f"{url}/mcp", key)
        told = await chat.call(
            "add_ticket", {"subject": "printer"}, user_id="u", key="k", request_id="r"
        )
        await chat.close()
        assert (told.failed, told.uncertain) == (True, True)
    assert counted(log) == [1, 1, 1]


async def test_an_unexpected_failure_tells_nobody_what_it_was_about(
    settings: Settings, sign_in: SignIn, log: StringIO
) -> None:
    app = create_app(settings, BrokenDatabase())
    async with serve(app) as url, httpx2.AsyncClient(base_url=url) as client:
        person = Person(client, sign_in)
        answer = await person.request("POST", person.path, json={"subject": SECRET})
        assert answer.status_code == 500
        problem = answer.json()
        assert problem["code"] == "internal"
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert "errand" not in answer.text
        result = await person.call("add_ticket", {"subject": SECRET})
        assert result["isError"] is True
        assert "errand" not in str(result)
        result = await call_in_the_older_era(person, "add_ticket", {"subject": SECRET})
        assert result["isError"] is True
        assert "errand" not in str(result)
    assert counted(log) == [1, 1, 1]
    lines = log.getvalue()
    assert lines.count('"message":"unexpected failure"') >= 3
    assert '"error_type":"RuntimeError"' in lines
    assert "errand" not in lines


async def call_in_the_older_era(
    person: Person, tool: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    answer = await person.http.post(
        "/mcp",
        headers={
            "authorization": f"Bearer {person.tool_token()}",
            "mcp-protocol-version": "2025-11-25",
            "accept": "application/json, text/event-stream",
        },
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        },
    )
    result: dict[str, Any] = answer.json()["result"]
    return result
