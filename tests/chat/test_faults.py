"""Faults of Postgres, the model and the tool server, at each point of a run.

Whatever breaks, and wherever: the client gets a whole answer or an error that it can act on, the
next run works, nothing is half written, and what tools did is done once.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from chatkit.types import (
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    WorkflowItem,
)
from pydantic import HttpUrl, SecretStr

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import Answer, Client, add_request, create_request, words
from tests.chat.conftest import MakePerson, Rows, TicketList, under_uvicorn
from tests.chat.endings import endings
from tests.chat.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.chat.steps import answer_request, lines_in, the_question
from tests.chat.until import until
from tests.tickets import delete_all, open_all, open_tickets

STEPS = 6
ADD = open_all("printer", "login")
STORY = "Tell me a story of 60 words"
BACKENDS = ["postgres", "model", "tools"]


@dataclass(frozen=True, slots=True)
class Shaky:
    """A chat whose every backend is behind a proxy. `turn` is how many bytes a run passes."""

    url: str
    proxies: dict[str, FaultProxy]
    run: dict[str, dict[Way, int]]

    def fault(self, backend: str, kind: Kind, way: Way, step: int) -> Fault:
        """A fault after so many sixths of what a run passes."""
        return Fault(kind, way, self.run[backend][way] * step // STEPS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shaky(chat_settings: ChatSettings, system_token: str) -> AsyncIterator[Shaky]:
    async with (
        FaultProxy(chat_settings.database_url.get_secret_value()) as postgres,
        FaultProxy(str(chat_settings.openai_base_url)) as model,
        FaultProxy(str(chat_settings.tools_mcp_url)) as tools,
    ):
        proxies = {"postgres": postgres, "model": model, "tools": tools}
        settings = chat_settings.model_copy(
            update={
                "database_url": SecretStr(postgres.url),
                "database_timeout_s": 0.5,
                "openai_base_url": HttpUrl(model.url),
                "tools_mcp_url": HttpUrl(tools.url),
                "model_max_retries": 1,
                "run_lease_s": 2.0,
                "run_beat_s": 0.1,
            }
        )
        async with under_uvicorn(settings) as chat, Client(chat.url, system_token) as client:
            await client.create("hello")
            for proxy in proxies.values():
                proxy.reset()
            assert not (await client.create(ADD)).errors
            run = {name: dict(proxy.passed) for name, proxy in proxies.items()}
            yield Shaky(chat.url, proxies, run)


@pytest.fixture(scope="module")
def system_token(request: pytest.FixtureRequest) -> str:
    """A token for whoever tries the run first."""
    token: str = request.getfixturevalue("system").token(new_id("user"))
    return token


@pytest_asyncio.fixture
async def client(shaky: Shaky, person: MakePerson) -> AsyncIterator[Client]:
    async with Client(shaky.url, person().token) as someone:
        yield someone
        for proxy in shaky.proxies.values():
            proxy.reset()
            proxy.release()


async def sent(client: Client, request: dict[str, object], key: str) -> Answer:
    """Send a request as a page does: a refusal that says so is tried again, under the same key."""
    answer = await client.send(request, idempotency_key=key)
    if answer.status == 200:
        return answer
    assert answer.status == 503
    assert answer.problem["retryable"]
    again: list[Answer] = []

    async def accepted() -> bool:
        again.append(await client.send(request, idempotency_key=key))
        assert again[-1].status in {200, 409, 503}
        return again[-1].status == 200

    await until(accepted)
    return again[-1]


async def check_thread(client: Client, answer: Answer) -> None:
    """What is stored is whole, and what the client saw when nothing went wrong."""
    items = await client.items(answer.thread_id)
    assert len({item.id for item in items}) == len(items)
    assert [item.type for item in items].count("user_message") == 1
    for item in items:
        if isinstance(item, WorkflowItem):
            assert {task.status_indicator for task in item.workflow.tasks} == {"complete"}
        if isinstance(item, AssistantMessageItem):
            # Where calls came last, the mark has a message of its own.
            assert words(item) or endings([item])
    if answer.errors:
        assert len(answer.errors) == 1
        assert answer.frames[-1] == answer.errors[0]
        assert answer.errors[0].message
        assert answer.errors[0].allow_retry
    else:
        done = [frame.item.id for frame in answer.frames if isinstance(frame, ThreadItemDoneEvent)]
        gone = {f.item_id for f in answer.frames if isinstance(f, ThreadItemRemovedEvent)}
        assert [item_id for item_id in done if item_id not in gone] == [item.id for item in items]


async def check_next_turn(client: Client, thread_id: str) -> None:
    """The thread takes the next message, at the latest when the lease has run out and the pool has
    found the database again."""

    async def taken() -> Answer | None:
        answer = await client.add(thread_id, "hello")
        assert answer.status in {200, 409, 503}
        return answer if answer.status == 200 else None

    following = await until(taken)
    assert following is not None
    assert not following.errors
    assert following.text


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize(
    ("kind", "way"),
    [(Kind.CUT, Way.UP), (Kind.CUT, Way.DOWN), (Kind.TRUNCATE, Way.DOWN)],
    ids=["cut-up", "cut-down", "truncate-down"],
)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_broken_connection(
    shaky: Shaky,
    client: Client,
    tickets: TicketList,
    rows: Rows,
    backend: str,
    kind: Kind,
    way: Way,
    step: int,
) -> None:
    proxy = shaky.proxies[backend]
    before = proxy.broken
    proxy.arm(shaky.fault(backend, kind, way, step))
    answer = await sent(client, create_request(ADD), new_id("key"))
    assert proxy.broken == before + 1
    proxy.reset()
    await check_thread(client, answer)
    titles = sorted(ticket["subject"] for ticket in await tickets(client))
    assert len(set(titles)) == len(titles)
    assert set(titles) <= {"login", "printer"}
    if not answer.errors:
        assert titles == ["login", "printer"]
    await check_next_turn(client, answer.thread_id)
    statuses = await rows(
        "select status from runs where thread_id = %s order by started_at", answer.thread_id
    )
    assert statuses[0]["status"] == ("failed" if answer.errors else "completed")
    assert statuses[-1]["status"] == "completed"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_latency_changes_nothing(
    shaky: Shaky, client: Client, tickets: TicketList, backend: str
) -> None:
    shaky.proxies[backend].latency_s = 0.02
    answer = await client.create(ADD)
    assert not answer.errors
    await check_thread(client, answer)
    assert len(await tickets(client)) == 2


async def test_database_that_comes_back_is_waited_for(
    shaky: Shaky, client: Client, model: ScriptedModelServer
) -> None:
    """The words go on meanwhile, and the answer is saved as if nothing had been."""
    postgres = shaky.proxies["postgres"]
    model.hold(after_words=2)
    async with client.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        await postgres.refuse()
        model.release()
        await stream.until(lambda frame: "content_part.done" in frame.model_dump_json())
        await postgres.accept()
        rest = await stream.rest()
    assert not [frame for frame in rest if frame.type == "error"]
    [_, message] = await client.items(stream.thread_id)
    assert isinstance(message, AssistantMessageItem)
    assert len(words(message).split()) == 60
    replay = await client.replay(stream.run_id)
    assert [frame for frame in replay.frames if frame.type == "error"] == []
    assert len(replay.frames) == bytes(stream.body).count(b"data: ")
    await check_next_turn(client, stream.thread_id)


async def test_database_that_stays_away(
    shaky: Shaky, client: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    postgres = shaky.proxies["postgres"]
    model.hold(after_words=2)
    async with client.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        await postgres.refuse()
        model.release()
        rest = await stream.rest()
    error = rest[-1]
    assert error.type == "error"
    assert error.allow_retry
    assert "database" in str(error.message)
    refused = await client.send(add_request(stream.thread_id, "hello"))
    assert refused.status == 503
    assert refused.problem["code"] == "database_unavailable"
    await postgres.accept()
    await check_next_turn(client, stream.thread_id)
    [first, *_] = await rows(
        "select status from runs where thread_id = %s order by started_at", stream.thread_id
    )
    assert first["status"] == "failed"


async def test_tool_server_that_is_away(shaky: Shaky, client: Client, tickets: TicketList) -> None:
    """The model is told, tells the person, and the trace shows it."""
    tools = shaky.proxies["tools"]
    await tools.refuse()
    answer = await client.create(open_all("printer"))
    await tools.accept()
    assert not answer.errors
    [trace] = answer.done(WorkflowItem)
    assert "did not work" in str(trace.workflow.tasks[0].model_dump()["title"])
    assert await tickets(client) == []
    await check_next_turn(client, answer.thread_id)


async def test_model_that_is_away(shaky: Shaky, client: Client) -> None:
    model = shaky.proxies["model"]
    await model.refuse()
    answer = await client.create("hello")
    await model.accept()
    [error] = answer.errors
    assert error.allow_retry
    await check_thread(client, answer)
    await check_next_turn(client, answer.thread_id)


async def test_lost_lease_ends_the_run_and_nothing_more_is_written(
    client: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    """Cut off from the database for longer than its lease, while another run takes the thread."""
    model.hold(after_words=2)
    async with client.stream(create_request(STORY)) as stream:
        await model.until(lambda: model.held_streams == 1)
        query = "update runs set status = 'failed' where id = %s returning id"
        await rows(query, stream.run_id)
        rest = await stream.rest()
    model.release()
    assert rest[-1].type == "error"
    assert rest[-1].allow_retry
    assert [item.type for item in await client.items(stream.thread_id)] == ["user_message"]
    await check_next_turn(client, stream.thread_id)


@pytest.mark.parametrize("step", range(0, STEPS, 2))
@pytest.mark.parametrize("way", [Way.UP, Way.DOWN])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["one deletion", "an answer to a question"])
async def test_deletions_on_a_broken_connection(
    system: LocalSystem,
    shaky: Shaky,
    client: Client,
    person: MakePerson,
    tickets: TicketList,
    kind: str,
    backend: str,
    way: Way,
    step: int,
) -> None:
    """No ticket is deleted that was not meant, and what is told is what became of them."""

    async def begin(someone: Client) -> dict[str, object]:
        ids = await open_tickets(system, someone, "printer", "login", "invoice")
        if kind == "one deletion":
            return create_request(delete_all(ids["printer"]))
        asked = the_question(await someone.create(delete_all(ids["printer"], ids["login"])))
        return answer_request(asked, ["Delete them"])

    proxy = shaky.proxies[backend]
    async with Client(shaky.url, person().token) as first:
        request = await begin(first)
        proxy.reset()
        assert not (await first.send(request)).errors
        passed = proxy.passed[way]
    request = await begin(client)
    proxy.reset()
    before = proxy.broken
    proxy.arm(Fault(Kind.CUT, way, passed * step // STEPS))
    answer = await sent(client, request, new_id("key"))
    assert proxy.broken == before + 1
    proxy.reset()
    assert len(answer.errors) <= 1
    left = {ticket["subject"] for ticket in await tickets(client)}
    wanted = {"printer"} if kind == "one deletion" else {"printer", "login"}
    assert left >= {"printer", "login", "invoice"} - wanted
    told = lines_in(await client.items(answer.thread_id))
    failed = [content for title, content in told if title == "Delete a ticket: did not work"]
    if not answer.errors and not failed:
        assert left == {"printer", "login", "invoice"} - wanted
    if left == {"printer", "login", "invoice"} and not answer.errors:
        assert failed
    await check_next_turn(client, answer.thread_id)
