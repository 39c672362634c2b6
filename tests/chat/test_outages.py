"""Following through outages of the database: each event comes once, under its own number."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from chatkit.types import ThreadStreamEvent
from pydantic import SecretStr

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Client, create_request
from tests.chat.conftest import MakePerson, under_uvicorn
from tests.chat.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.chat.test_resume import following
from tests.chat.until import until

STORY = "Tell me a story of 60 words"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another environment of the chat, with a database that comes and goes."""

    url: str
    postgres: FaultProxy


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def elsewhere(app_url: str, chat_settings: ChatSettings) -> AsyncIterator[Elsewhere]:
    async with FaultProxy(app_url) as postgres:
        changes = {"database_url": SecretStr(postgres.url), "database_timeout_s": 0.5}
        async with under_uvicorn(chat_settings.model_copy(update=changes)) as chat:
            yield Elsewhere(chat.url, postgres)


async def follow(client: Client, run_id: str) -> list[ThreadStreamEvent]:
    """Follow a run to its end as a page does: a stream without an end is resumed after what has
    been seen, and a refusal that can be tried again is."""
    seen: list[ThreadStreamEvent] = []

    async def ended() -> bool:
        if (await client.http.head(_events(run_id))).status_code == 503:
            return False
        async with following(client, run_id, len(seen)) as stream:
            seen.extend(await stream.rest())
            return stream.lines.ended

    await until(ended)
    return seen


def _events(run_id: str) -> str:
    return f"/api/chatkit/runs/{run_id}/events"


@pytest.mark.parametrize(("outage", "words"), [("refused", 0), ("refused", 5), ("black hole", 5)])
async def test_an_outage_longer_than_the_patience_repeats_nothing(
    elsewhere: Elsewhere, person: MakePerson, model: ScriptedModelServer, outage: str, words: int
) -> None:
    alice, postgres = person(), elsewhere.postgres
    model.hold(after_words=words)
    async with (
        asyncio.timeout(60),
        Client(elsewhere.url, alice.token) as other,
        alice.stream(create_request(STORY)) as first,
    ):
        await model.until(lambda: model.held_streams == 1)
        async with following(other, first.run_id) as stream:
            seen = [await anext(aiter(stream))]
            if outage == "refused":
                await postgres.refuse()
            else:
                postgres.hold(Way.DOWN)
            seen += await stream.rest()
            assert not stream.lines.ended
        refused = await other.replay(first.run_id, len(seen))
        assert refused.problem["retryable"]
        if outage == "refused":
            await postgres.accept()
        postgres.release()
        model.release()
        live = await first.rest()
        assert (await follow(other, first.run_id)) == live
        async with following(other, first.run_id, len(seen)) as stream:
            seen += await stream.rest()
            assert stream.lines.ended
    assert seen == live


@pytest.mark.parametrize("at", [0, 50, 400, 4_000])
@pytest.mark.parametrize(
    ("kind", "way"),
    [(Kind.CUT, Way.UP), (Kind.CUT, Way.DOWN), (Kind.TRUNCATE, Way.DOWN)],
    ids=["cut-up", "cut-down", "truncate-down"],
)
async def test_a_connection_that_breaks_at_any_byte_repeats_nothing(
    elsewhere: Elsewhere,
    person: MakePerson,
    model: ScriptedModelServer,
    kind: Kind,
    way: Way,
    at: int,
) -> None:
    alice, postgres = person(), elsewhere.postgres
    model.hold(after_words=5)
    async with (
        asyncio.timeout(60),
        Client(elsewhere.url, alice.token) as other,
        alice.stream(create_request(STORY)) as first,
    ):
        await model.until(lambda: model.held_streams == 1)
        async with following(other, first.run_id) as stream:
            seen = [await anext(aiter(stream))]
            broken = postgres.broken
            postgres.arm(Fault(kind, way, at))

            async def has_broken() -> bool:
                return postgres.broken > broken

            await until(has_broken)
            model.release()
            seen += await stream.rest()
            assert stream.lines.ended
        assert seen == await first.rest()
