"""A tool server whole: its handler under AWS's runtime client, behind a Function URL."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sidestream.config import Settings
from sidestream.local.emulator import FunctionSpec, FunctionUrl
from sidestream.local.settings import PROJECT
from tests.sign_in import SignIn
from tests.tickets import DOMAIN
from tests.tool_server.people import TOOL_SECRET, Person, modern_call, modern_headers

HANDLER = DOMAIN.handler

type Deploy = Callable[..., AbstractAsyncContextManager[tuple[Person, FunctionUrl, list[str]]]]


@pytest.fixture
def deploy(settings: Settings, sign_in: SignIn) -> Deploy:
    """Runs the function: `async with deploy(**changes) as (person, function, log_lines)`."""

    @asynccontextmanager
    async def start(
        python: str = sys.executable, **changes: Any
    ) -> AsyncIterator[tuple[Person, FunctionUrl, list[str]]]:
        spec = FunctionSpec(
            name=DOMAIN.function,
            command=(python, "-m", "sidestream.local.managed_runtime", HANDLER),
            handler=HANDLER,
            cwd=PROJECT,
            env={
                "DATABASE_URL": settings.database_url.get_secret_value(),
                "TOOL_SIGNING_KEY": TOOL_SECRET,
                "AUTH_ISSUERS": json.dumps([sign_in.issuer.model_dump(mode="json")]),
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
            },
            init_timeout_s=60,
            **changes,
        )
        lines: list[str] = []
        url = FunctionUrl(spec, on_log=lambda _name, line: lines.append(line))
        async with url, httpx2.AsyncClient(base_url=url.url, timeout=60) as client:
            yield Person(client, sign_in), url, lines

    return start


async def use(person: Person) -> None:
    """One of everything."""
    assert (await person.http.get("/healthz")).json() == {"status": "ok"}
    ticket = await person.add("پرنٹر نہیں چلتا")
    for era in ("legacy", "2026-07-28"):
        headers = {"authorization": f"Bearer {person.tool_token()}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            endpoint = str(person.http.base_url.join("/mcp"))
            async with Client(streamable_http_client(endpoint, http_client=http), mode=era) as mcp:
                result = await mcp.call_tool("get_ticket", {"ticket_id": ticket["id"]})
                assert result.structured_content == ticket
    answer = await person.http.get("/mcp", headers={"accept": "text/event-stream"})
    assert answer.status_code == 405
    answer = await person.request("DELETE", f"{person.path}/{ticket['id']}")
    assert answer.status_code == 204
    assert await person.titles() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"freeze": True},
        {"initialization_type": "snap-start"},
        {"payload_version": "1.0"},
        {"max_concurrency": 2},
    ],
    ids=["plain", "frozen between requests", "snap-start", "rest api", "multi-concurrency"],
)
async def test_serves_rest_and_mcp(deploy: Deploy, changes: dict[str, Any]) -> None:
    async with deploy(**changes) as (person, function, _lines):
        await use(person)
        assert len(function.environments) == 1


@pytest.mark.slow
async def test_serves_where_the_native_client_is_missing(
    deploy: Deploy, python_without_native_client: str
) -> None:
    async with deploy(python_without_native_client) as (person, _function, _lines):
        await use(person)


@pytest.mark.slow
async def test_logs_json_with_ids_and_never_a_title(deploy: Deploy) -> None:
    title = "a secret errand"
    async with deploy() as (person, _function, lines):
        answer = await person.request(
            "POST", person.path, json={"subject": title}, headers={"x-request-id": "page-17"}
        )
        request_id = answer.headers["x-request-id"]
        assert request_id == answer.headers["x-amzn-requestid"]
        answer = await person.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {person.tool_token()}",
                **modern_headers("search_tickets"),
            },
            json=modern_call("search_tickets", {"query": title}),
        )
        assert title in answer.text
        async with asyncio.timeout(20):
            while sum('"message":"request"' in line for line in lines) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    requests = [json.loads(line) for line in lines if '"message":"request"' in line]
    assert requests[0]["request_id"] == request_id
    assert requests[0]["caller_request_id"] == "page-17"
    assert requests[0]["route"] == "/api/{user_id}/tickets"
    assert requests[0]["status"] == 201
    (call,) = [json.loads(line) for line in lines if '"message":"tool call"' in line]
    assert (call["tool"], call["outcome"]) == ("search_tickets", "ok")
    assert call["request_id"] == requests[1]["request_id"]
    assert not [line for line in lines if "errand" in line or person.id in line]
