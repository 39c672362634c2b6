"""What monitoring asks of the chat: is each part well, at next to no cost and without a token."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from sidestream.config import ChatSettings
from sidestream.local.system import LocalSystem
from tests.chat.conftest import under_uvicorn

WELL = dict.fromkeys(("database", "sign_in_keys", "tools", "model"), "ok")


@pytest.fixture(params=["closed", "silent"])
def nowhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """An address where nobody listens, or somebody who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        if request.param == "closed":
            listener.close()
        yield address


@pytest.fixture(scope="module")
def settings(chat_settings: ChatSettings) -> ChatSettings:
    """Those of the system, without the sign-in of the page, which does not run."""
    return chat_settings.model_copy(update={"auth_issuers": chat_settings.auth_issuers[:1]})


async def test_all_is_well(settings: ChatSettings) -> None:
    async with (
        under_uvicorn(settings) as chat,
        httpx2.AsyncClient(base_url=chat.url, timeout=30) as http,
    ):
        deep = await http.get("/healthz?deep")
        assert (deep.status_code, deep.json()) == (200, {"status": "ok", "parts": WELL})
        assert deep.headers["cache-control"] == "no-store"
        assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_the_function_tells_of_a_sign_in_that_is_away(system: LocalSystem) -> None:
    async with httpx2.AsyncClient(base_url=system.chat.url, timeout=30) as http:
        deep = await http.get("/healthz?deep=1")
        assert deep.status_code == 503
        assert deep.json()["parts"] == WELL | {"sign_in_keys": "failing"}
        assert (await http.head("/healthz?deep")).status_code == 503
        assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_asking_often_costs_no_query_each_time(settings: ChatSettings) -> None:
    async with (
        under_uvicorn(settings) as chat,
        httpx2.AsyncClient(base_url=chat.url, timeout=30) as http,
    ):
        before = chat.services.database.round_trips
        paths = ["/healthz", "/healthz?deep=1", "/api/chatkit/health"] * 20
        answers = await asyncio.gather(*(http.get(path) for path in paths))
        assert {answer.status_code for answer in answers} == {200}
        assert chat.services.database.round_trips == before + 1


def moved(settings: ChatSettings, address: str) -> dict[str, dict[str, Any]]:
    """The settings that lead each part elsewhere."""
    [issuer] = settings.auth_issuers
    keys = issuer.model_dump(mode="json") | {"jwks_url": f"http://{address}/jwks"}
    return {
        "database": {"database_url": f"postgresql://nobody:hush@{address}/none"},
        "sign_in_keys": {"auth_issuers": [keys]},
        "tools": {"tools_mcp_url": f"http://{address}/mcp"},
        "model": {"openai_base_url": f"http://{address}/v1"},
    }


@pytest.mark.parametrize("part", WELL)
async def test_a_part_that_is_away_is_named(
    settings: ChatSettings,
    nowhere: str,
    part: str,
) -> None:
    values = settings.model_dump() | {"database_timeout_s": 0.5}
    elsewhere = ChatSettings.model_validate(values | moved(settings, nowhere)[part])
    async with (
        under_uvicorn(elsewhere) as chat,
        httpx2.AsyncClient(base_url=chat.url, timeout=30) as http,
    ):
        deep = await http.get("/healthz?deep")
        assert deep.status_code == 503
        assert deep.json() == {"status": "failing", "parts": WELL | {part: "failing"}}
        assert nowhere not in deep.text
        assert (await http.get("/healthz")).status_code == 200
        health = (await http.get("/api/chatkit/health")).json()
        assert health["database"] == ("unreachable" if part == "database" else "reachable")
