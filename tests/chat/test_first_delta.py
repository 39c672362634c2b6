"""What the first delta waits for: one database round trip, and nothing of MCP.

Both are counted at the wire, by a proxy before Postgres and one before the tool server, and the
round trips in the process as well.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from pydantic import HttpUrl, SecretStr

from sidestream.chat.services import Services
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, add_request, create_request, delta_of
from tests.chat.conftest import under_uvicorn
from tests.chat.variants import chat_function
from tests.store.proxy import Proxy
from tests.tickets import SHOW, open_all

_SYNC, _FLUSH, _QUERY, _PARSE = b"S", b"H", b"Q", b"P"
_BEAT: Final = b"update runs set lease_expires_at"


@dataclass(frozen=True, slots=True)
class Wired:
    """A chat whose connections to Postgres and to the tool server are listened to."""

    url: str
    postgres: Proxy
    mcp: Proxy
    services: Services | None


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=["emulator", "uvicorn"], name="wired"
)
async def wired_chat(
    request: pytest.FixtureRequest, system: LocalSystem, chat_settings: ChatSettings, app_url: str
) -> AsyncIterator[Wired]:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(Proxy(app_url))
        mcp = await stack.enter_async_context(Proxy(system.tools.url))
        mcp_url = f"http://127.0.0.1:{urlsplit(mcp.url).port}/mcp"
        if request.param == "emulator":
            function = await stack.enter_async_context(
                chat_function(
                    system,
                    DATABASE_URL=postgres.url,
                    DATABASE_POOL_MAX="1",
                    TOOLS_MCP_URL=mcp_url,
                )
            )
            yield Wired(function.url, postgres, mcp, None)
            return
        changes = {
            "database_url": SecretStr(postgres.url),
            "database_pool_max": 1,
            "tools_mcp_url": HttpUrl(mcp_url),
            "run_beat_s": 3600.0,
        }
        chat = await stack.enter_async_context(
            under_uvicorn(chat_settings.model_copy(update=changes))
        )
        yield Wired(chat.url, postgres, mcp, chat.services)


def _messages(sent: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The frontend's messages as (type, body): PostgreSQL manual, "Message Formats"."""
    position = 0
    while position < len(sent):
        length = int.from_bytes(sent[position + 1 : position + 5])
        yield sent[position : position + 1], sent[position + 5 : position + 1 + length]
        position += 1 + length


def _round_trips(sent: bytes) -> list[list[bytes]]:
    """The SQL of each round trip: what ends with a Sync, or asks for an answer in another way.

    A run's beat comes by the clock and not because the answer waits for it.
    """
    trips: list[list[bytes]] = []
    sql: list[bytes] = []
    for kind, body in _messages(sent):
        if kind == _PARSE:
            sql.append(body.split(b"\0")[1])
        elif kind in {_SYNC, _FLUSH, _QUERY}:
            trips.append(sql)
            sql = []
    assert sql == [], "something was sent and its answer not awaited"
    return [trip for trip in trips if not any(_BEAT in statement for statement in trip)]


@pytest.mark.parametrize("kind", ["threads.create", "threads.add_user_message"])
async def test_one_round_trip_and_no_mcp_before_the_first_delta(
    wired: Wired, alice: Client, model: ScriptedModelServer, kind: str
) -> None:
    async with Client(wired.url, alice.token) as client:
        thread_id = (await client.create(open_all("printer"))).thread_id
        request = create_request("hello")
        if kind == "threads.add_user_message":
            request = add_request(thread_id, "What is my name?")
        sent, called = len(wired.postgres.sent), len(wired.mcp.sent)
        counted = wired.services.database.round_trips if wired.services else 0
        model.hold(after_words=1)
        async with client.stream(request) as stream:
            assert await stream.until(delta_of)
            trips = _round_trips(bytes(wired.postgres.sent[sent:]))
            assert len(trips) == 1, trips
            assert any(b"insert into runs" in statement for statement in trips[0])
            assert wired.mcp.sent[called:] == b""
            if wired.services:
                assert wired.services.database.round_trips - counted == 1
            model.release()
            await stream.rest()
        assert len(_round_trips(bytes(wired.postgres.sent[sent:]))) > 1


async def test_tool_call_is_one_post_and_nothing_else(wired: Wired, alice: Client) -> None:
    async with Client(wired.url, alice.token) as client:
        for tool, message in (("add_ticket", open_all("printer")), ("list_tickets", SHOW)):
            called = len(wired.mcp.sent)
            await client.create(message)
            sent = bytes(wired.mcp.sent[called:])
            assert sent.count(b"POST /mcp HTTP/1.1") == sent.count(b"HTTP/1.1\r\n") == 1
            assert f"mcp-name: {tool}".encode() in sent.lower()
            assert b"tools/list" not in sent
            assert b"initialize" not in sent
