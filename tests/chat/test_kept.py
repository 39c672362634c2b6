"""What was said is kept: after a kill, the thread has the words, the trace and the mark, once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg
import pytest
from chatkit.types import (
    AssistantMessageItem,
    ErrorEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
    UserMessageItem,
    WorkflowItem,
)
from pydantic import SecretStr

from sidestream.chat.incomplete import reason_of
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, Document, create_request, delta_of, thread_request, words
from tests.chat.conftest import MakePerson, Rows, TicketList, UvicornChat, under_uvicorn
from tests.chat.endings import Rewound, endings
from tests.chat.fault_proxy import FaultProxy, Way
from tests.chat.fold import Screen, comparable, fold
from tests.chat.steps import answer_request, lines_in, the_question
from tests.chat.until import until
from tests.chat.variants import chat_function
from tests.tickets import delete_all, open_all, open_tickets

STORY = "Tell me a story of 60 words"
STORY_WORDS = 60
WORDS = 3
LEASE_S, BEAT_S = "2", "0.1"


@dataclass(frozen=True, slots=True)
class Killed:
    """A run whose process was killed: what its client had seen by then."""

    thread_id: str
    run_id: str
    frames: Sequence[ThreadStreamEvent]


async def killed(
    system: LocalSystem,
    person: Client,
    rows: Rows,
    request: Document,
    *,
    until_frame: Callable[[ThreadStreamEvent], object] | None = None,
    **settings: Any,
) -> Killed:
    """Send a request, kill the function once it has said three words, or sent another frame, and
    that is saved; and wait until its lease has run out."""
    async with (
        chat_function(system, RUN_LEASE_S=LEASE_S, RUN_BEAT_S=BEAT_S, **settings) as function,
        Client(function.url, person.token, language="ur") as client,
    ):
        [environment] = function.environments
        seen: list[ThreadStreamEvent] = []
        async with client.stream(request) as stream:
            async for frame in stream:
                seen.append(frame)
                if until_frame(frame) if until_frame else said(seen) == WORDS:
                    break

            await until_saved(rows, stream.run_id, len(seen))
            environment.kill()
            with pytest.raises((httpx2.HTTPError, AssertionError)):
                seen += await stream.rest()
        system.model.release()

    await until_over(rows, stream.run_id)
    return Killed(stream.thread_id, stream.run_id, seen)


async def until_saved(rows: Rows, run_id: str, count: int) -> None:
    """Wait until so many frames of a run are saved."""
    query = "select coalesce(max(last_event), 0) as last from run_events where run_id = %s"

    async def saved() -> bool:
        [row] = await rows(query, run_id)
        return bool(row["last"] >= count)

    await until(saved)


async def until_over(rows: Rows, run_id: str) -> None:
    """Wait until the lease of a run has run out."""

    async def over() -> bool:
        query = "select lease_expires_at < now() as over from runs where id = %s"
        [row] = await rows(query, run_id)
        return bool(row["over"])

    await until(over)


def said(frames: Sequence[ThreadStreamEvent]) -> int:
    """How many words have come."""
    return len("".join(delta_of(frame) or "" for frame in frames).split())


def announced(frames: Sequence[ThreadStreamEvent]) -> set[str]:
    """The ids of the items that frames name."""
    named = (ThreadItemAddedEvent, ThreadItemDoneEvent)
    return {frame.item.id for frame in frames if isinstance(frame, named)}


async def folded(client: Client, run_id: str) -> Screen:
    """What a client that replays a run has on its screen."""
    replay = await client.replay(run_id)
    assert replay.numbers == tuple(range(1, len(replay.frames) + 1))
    assert replay.ended
    return fold(replay.frames)


@pytest.mark.parametrize("text", ["I have opened it for you now", "میں نے ٹکٹ کھول دیا ہے جناب"])
async def test_words_and_trace_of_a_killed_answer(
    system: LocalSystem,
    person: MakePerson,
    rows: Rows,
    tickets: TicketList,
    text: str,
) -> None:
    survivor = person()
    system.model.hold(after_words=WORDS)
    dead = await killed(system, survivor, rows, create_request(open_all("printer", answer=text)))
    first = await survivor.get(dead.thread_id)
    message, trace, answer = first.items.data
    assert isinstance(message, UserMessageItem)
    assert isinstance(trace, WorkflowItem)
    assert isinstance(answer, AssistantMessageItem)
    assert words(answer).split() == text.split()[:WORDS]
    assert reason_of(answer) == "interrupted"
    assert announced(dead.frames) == {message.id, trace.id, answer.id}
    assert await survivor.items(dead.thread_id) == first.items.data
    run = await survivor.http.get(f"/api/chatkit/threads/{dead.thread_id}/run")
    assert run.json()["status"] == "failed"

    screen = await folded(survivor, dead.run_id)
    assert screen.texts() == [comparable(item) for item in first.items.data]
    assert not screen.unfinished
    assert len(screen.errors) == 1

    following = await survivor.add(dead.thread_id, "go on")
    assert not following.errors
    told = system.model.requests[-1].body["input"]
    kinds = [item.get("role") or item["type"] for item in told]
    assert kinds == ["user", "function_call", "function_call_output", "assistant", "user"]
    assert words(answer) in str(told[-2])
    assert "interrupted here" in str(told[-1])
    assert [ticket["subject"] for ticket in await tickets(survivor)] == ["printer"]


async def test_many_who_come_at_once_keep_it_once(
    system: LocalSystem,
    uvicorn_chat: UvicornChat,
    person: MakePerson,
    rows: Rows,
    model: ScriptedModelServer,
) -> None:
    """Readers and followers, in several processes, and the next message."""
    survivor = person()
    model.hold(after_words=WORDS)
    dead = await killed(system, survivor, rows, create_request(STORY))
    async with Client(uvicorn_chat.url, survivor.token) as elsewhere:
        following = asyncio.create_task(survivor.add(dead.thread_id, "hello"))
        await asyncio.gather(
            *(client.items(dead.thread_id) for client in (survivor, elsewhere)),
            *(client.get(dead.thread_id) for client in (survivor, elsewhere)),
            *(client.replay(dead.run_id) for client in (survivor, elsewhere)),
        )
        assert not (await following).errors
        items = await survivor.items(dead.thread_id)
        assert await elsewhere.items(dead.thread_id) == items
    assert [item.type for item in items] == ["user_message", "assistant_message"] * 2
    assert endings(items) == ["interrupted"]
    screen = await folded(survivor, dead.run_id)
    assert screen.texts() == [comparable(item) for item in items[:2]]
    counted = await rows("select last_event from run_events where run_id = %s", dead.run_id)
    assert len({row["last_event"] for row in counted}) == len(counted)


async def test_nothing_said_is_no_item(
    system: LocalSystem, person: MakePerson, rows: Rows, model: ScriptedModelServer
) -> None:
    survivor = person()
    model.hold(after_words=0)
    dead = await killed(
        system,
        survivor,
        rows,
        create_request(STORY),
        until_frame=lambda frame: frame.type == "stream_options",
    )
    items = await survivor.items(dead.thread_id)
    assert [item.type for item in items] == ["user_message"]
    assert (await folded(survivor, dead.run_id)).texts() == [comparable(item) for item in items]
    assert (await survivor.add(dead.thread_id, "hello")).text


async def test_a_call_in_the_middle_is_not_made_again_unasked(
    system: LocalSystem,
    person: MakePerson,
    rows: Rows,
    tickets: TicketList,
    model: ScriptedModelServer,
) -> None:
    """It reached the server, and nobody heard what became of it."""
    survivor = person(language="ur")
    async with FaultProxy(system.tools.url) as proxy:
        proxy.hold(Way.DOWN)
        dead = await killed(
            system,
            survivor,
            rows,
            create_request(open_all("printer")),
            until_frame=lambda frame: isinstance(frame, ThreadItemAddedEvent),
            TOOLS_MCP_URL=f"{proxy.url}/mcp",
        )
        proxy.release()
    _, trace, ending = items = await survivor.items(dead.thread_id)
    [(title, _)] = lines_in([trace])
    assert title == "ٹکٹ کھولیں: روک دیا گیا"
    assert isinstance(ending, AssistantMessageItem)
    assert words(ending) == ""
    assert reason_of(ending) == "interrupted"
    screen = await folded(survivor, dead.run_id)
    assert screen.texts() == [comparable(item) for item in items]

    async def opened() -> list[Document]:
        return await tickets(survivor)

    assert [ticket["subject"] for ticket in await until(opened)] == ["printer"]
    assert not (await survivor.add(dead.thread_id, "hello")).errors
    told = str(model.requests[-1].body["input"])
    assert "tool calls were under way" in told
    retried = await survivor.send(
        thread_request("threads.retry_after_item", dead.thread_id, item_id=items[0].id)
    )
    assert not retried.errors
    assert [ticket["subject"] for ticket in await tickets(survivor)] == ["printer"]


async def test_a_deletion_that_waited_is_not_made(
    system: LocalSystem,
    person: MakePerson,
    rows: Rows,
    tickets: TicketList,
    model: ScriptedModelServer,
) -> None:
    survivor = person()
    ids = await open_tickets(system, survivor, "printer")
    model.hold(after_words=WORDS)
    dead = await killed(system, survivor, rows, create_request(delete_all(ids["printer"])))
    items = await survivor.items(dead.thread_id)
    assert [item.type for item in items] == ["user_message", "workflow", "assistant_message"]
    # In the language that its line had, whoever reads it.
    assert [title for title, _ in lines_in(items)] == ["ٹکٹ حذف کریں: روک دیا گیا"]
    assert (await folded(survivor, dead.run_id)).texts() == [comparable(item) for item in items]
    assert len(await tickets(survivor)) == 1
    assert not (await survivor.add(dead.thread_id, "hello")).errors
    assert "were not made" in str(model.requests[-1].body["input"])


async def test_a_deletion_that_was_perhaps_made_is_not_called_off(
    system: LocalSystem,
    person: MakePerson,
    rows: Rows,
    tickets: TicketList,
    model: ScriptedModelServer,
) -> None:
    """Killed when the server has done it, and nobody has heard of that."""
    survivor = person()
    ids = await open_tickets(system, survivor, "printer")
    model.hold(after_words=WORDS)
    async with (
        FaultProxy(system.tools.url) as proxy,
        chat_function(
            system, RUN_LEASE_S=LEASE_S, RUN_BEAT_S=BEAT_S, TOOLS_MCP_URL=f"{proxy.url}/mcp"
        ) as function,
        Client(function.url, survivor.token) as client,
        client.stream(create_request(delete_all(ids["printer"]))) as stream,
    ):
        [environment] = function.environments
        await model.until(lambda: model.held_streams > 0)
        proxy.hold(Way.DOWN)
        model.release()
        await proxy.held(Way.DOWN)
        environment.kill()
        with pytest.raises((httpx2.HTTPError, AssertionError)):
            await stream.rest()
    await until_over(rows, stream.run_id)
    assert not await tickets(survivor)
    items = await survivor.items(stream.thread_id)
    assert [item.type for item in items] == ["user_message", "workflow", "assistant_message"]
    assert endings(items) == ["interrupted"]
    assert (await folded(survivor, stream.run_id)).texts() == [comparable(item) for item in items]
    assert not (await survivor.add(stream.thread_id, "hello")).errors
    told = str(model.requests[-1].body["input"])
    assert "not known whether they were" in told
    assert "were not made" not in told


async def test_nothing_waits_when_nobody_will_be_asked(
    system: LocalSystem, alice: Client, owner_url: str, model: ScriptedModelServer
) -> None:
    """At whatever moment it dies before its question is there, also with its trace saved and of
    its frames fewer."""
    ids = await open_tickets(system, alice, "printer", "mouse")
    whole = await alice.create(delete_all(*ids.values()))
    shown = await alice.items(whole.thread_id)
    assert [item.type for item in shown] == ["user_message", "workflow", "structured_input"]
    assert [": waits" in str(title) for title, _ in lines_in(shown)] == [True, True]
    run = Rewound(owner_url, whole.run_id)
    for count in range(len(whole.frames)):
        run.to(count, items=2)
        items = await alice.items(whole.thread_id)
        assert [item.type for item in items] == ["user_message", "workflow", "assistant_message"]
        assert [": stopped" in str(title) for title, _ in lines_in(items)] == [True, True]
    assert not (await alice.add(whole.thread_id, "hello")).errors
    assert "not known whether they were" in str(model.requests[-1].body["input"])


async def test_what_was_made_is_not_called_off_when_only_the_end_is_missing(
    system: LocalSystem, alice: Client, owner_url: str, model: ScriptedModelServer
) -> None:
    ids = await open_tickets(system, alice, "printer")
    whole = await alice.create(delete_all(ids["printer"]))
    shown = await alice.items(whole.thread_id)
    Rewound(owner_url, whole.run_id).to(len(whole.frames), len(shown))
    assert lines_in(await alice.items(whole.thread_id)) == lines_in(shown)
    assert not (await alice.add(whole.thread_id, "hello")).errors
    told = str(model.requests[-1].body["input"])
    assert "waited for" not in told


def through(proxy: FaultProxy, settings: ChatSettings, **changes: Any) -> ChatSettings:
    """Settings whose database is behind a proxy."""
    return settings.model_copy(update={"database_url": SecretStr(proxy.url), **changes})


async def test_a_process_that_was_not_dead_adds_nothing(
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    rows: Rows,
    model: ScriptedModelServer,
) -> None:
    """Its beats came too late, and the end of its answer after them."""
    survivor = person()
    model.hold(after_words=WORDS)
    async with FaultProxy(system.chat.spec.env["DATABASE_URL"]) as proxy:
        settings = through(proxy, chat_settings, run_lease_s=2.0, run_beat_s=0.1)
        async with (
            under_uvicorn(settings) as chat,
            Client(chat.url, survivor.token) as client,
            client.stream(create_request(STORY)) as stream,
        ):
            seen: list[ThreadStreamEvent] = []
            async for frame in stream:
                seen.append(frame)
                if said(seen) == WORDS:
                    break
            await until_saved(rows, stream.run_id, len(seen))
            proxy.hold(Way.UP)
            await until_over(rows, stream.run_id)
            [_, message] = kept = await survivor.items(stream.thread_id)
            assert isinstance(message, AssistantMessageItem)
            assert reason_of(message) == "interrupted"
            model.release()
            async for frame in stream:
                seen.append(frame)
                if said(seen) == STORY_WORDS:
                    break
            proxy.release()
            rest = await stream.rest()
    assert isinstance(rest[-1], ErrorEvent)
    assert not [frame for frame in rest if isinstance(frame, ThreadItemDoneEvent)]
    assert await survivor.items(stream.thread_id) == kept
    assert len((await folded(survivor, stream.run_id)).errors) == 1
    assert (await survivor.add(stream.thread_id, "hello")).text


async def test_words_that_could_not_be_saved_at_once_are_kept(
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    rows: Rows,
    model: ScriptedModelServer,
) -> None:
    """The database is away when the answer ends, and is back when the run gives up waiting."""
    survivor = person()
    model.hold(after_words=WORDS)
    async with FaultProxy(system.chat.spec.env["DATABASE_URL"]) as proxy:
        settings = through(proxy, chat_settings, run_lease_s=20.0, run_beat_s=0.1)
        async with under_uvicorn(settings) as chat, Client(chat.url, survivor.token) as client:
            chat.services.store.patience_s = 0.0
            async with client.stream(create_request(STORY)) as stream:
                seen: list[ThreadStreamEvent] = []
                async for frame in stream:
                    seen.append(frame)
                    if said(seen) == WORDS:
                        break
                await proxy.refuse()
                model.release()
                async for frame in stream:
                    seen.append(frame)
                    if isinstance(frame, ErrorEvent):
                        break
                await proxy.accept()
                await stream.rest()
    items = await survivor.items(stream.thread_id)
    assert endings(items) == ["interrupted"]
    assert isinstance(items[-1], AssistantMessageItem)
    assert len(words(items[-1]).split()) == STORY_WORDS
    screen = await folded(survivor, stream.run_id)
    assert screen.texts() == [comparable(item) for item in items]
    assert len(screen.errors) == 1
    [run] = await rows("select status from runs where id = %s", stream.run_id)
    assert run["status"] == "failed"


async def test_a_call_that_waited_and_could_not_be_told_is_remembered(
    system: LocalSystem,
    chat_settings: ChatSettings,
    person: MakePerson,
    tickets: TicketList,
    model: ScriptedModelServer,
) -> None:
    """The database is away when it has been made, for longer than the run waits."""
    survivor = person()
    ids = await open_tickets(system, survivor, "printer")
    model.hold(after_words=WORDS)
    async with (
        FaultProxy(system.chat.spec.env["DATABASE_URL"]) as proxy,
        FaultProxy(system.tools.url) as tools,
    ):
        settings = through(
            proxy,
            chat_settings,
            run_lease_s=20.0,
            run_beat_s=0.1,
            tools_mcp_url=f"{tools.url}/mcp",
        )
        async with under_uvicorn(settings) as chat, Client(chat.url, survivor.token) as client:
            chat.services.store.patience_s = 0.0
            async with client.stream(create_request(delete_all(ids["printer"]))) as stream:
                await model.until(lambda: model.held_streams > 0)
                tools.hold(Way.DOWN)
                model.release()
                await tools.held(Way.DOWN)
                await proxy.refuse()
                tools.release()
                async for frame in stream:
                    if isinstance(frame, ErrorEvent):
                        break
                await proxy.accept()
                await stream.rest()
    assert not await tickets(survivor)
    items = await survivor.items(stream.thread_id)
    assert endings(items) == ["interrupted"]
    assert [": waits" in str(title) for title, _ in lines_in(items)] == [False]
    assert not (await survivor.add(stream.thread_id, "hello")).errors
    told = model.requests[-1].body["input"]
    outputs = [item["output"] for item in told if item.get("type") == "function_call_output"]
    assert ['"status":"held"' in output for output in outputs] == [True, False]


@pytest.mark.parametrize("ahead", [0, 1], ids=["rows with frames", "a row ahead"])
async def test_at_whatever_moment_it_dies(alice: Client, owner_url: str, ahead: int) -> None:
    """Put back to each frame of an answer with a trace and words: all that was told or saved is
    kept, once, and who replays it sees the same."""
    text = "There it is, my friend."
    whole = await alice.create(open_all("printer", answer=text))
    ids = {item.id for item in await alice.items(whole.thread_id)}
    done = [isinstance(frame, ThreadItemDoneEvent) for frame in whole.frames]
    run = Rewound(owner_url, whole.run_id)
    for count in range(len(whole.frames) + 1):
        saved = max(1, sum(done[:count]) + ahead)
        run.to(count, saved)
        found = await alice.items(whole.thread_id)
        assert len({item.id for item in found}) == len(found)
        # When all of it is told and saved, only the end of the run is missing.
        ended = count == len(whole.frames)
        marks = ["interrupted"] * (len(found) > 1 and not ended)
        assert endings(found) == endings(found[-1:]) == marks
        spoken = [item for item in found if isinstance(item, AssistantMessageItem)]
        assert {item.id for item in found if item not in spoken} <= ids
        assert {item.id for item in spoken if words(item)} <= ids
        said_words = "".join(words(item) for item in spoken)
        assert text.startswith(said_words)
        assert len(said_words.split()) >= said(whole.frames[:count])
        screen = await folded(alice, whole.run_id)
        assert screen.texts() == [comparable(item) for item in found]
        assert not screen.unfinished
        assert bool(screen.errors) != ended
        shown = await alice.http.get(f"/api/chatkit/threads/{whole.thread_id}/run")
        assert shown.json()["status"] == ("completed" if ended else "failed")
        assert await alice.items(whole.thread_id) == found


@pytest.mark.parametrize("more", [1, 2, 3, 8])
async def test_one_who_saw_more_than_was_kept_gets_what_is_kept(
    alice: Client, owner_url: str, more: int
) -> None:
    """Its numbers go on where it was, whatever number the events of the settling have."""
    whole = await alice.create(STORY)
    kept = len(whole.frames) - 8
    Rewound(owner_url, whole.run_id).to(kept, items=1)
    for _coming in range(2):
        later = await alice.replay(whole.run_id, after=kept + more)
        assert later.ended
        done, error = later.frames
        assert later.numbers == (kept + more + 1, kept + more + 2)
        assert isinstance(done, ThreadItemDoneEvent)
        assert done.item == (await alice.items(whole.thread_id))[-1]
        assert reason_of(done.item) == "interrupted"
        assert isinstance(error, ErrorEvent)
        assert "the last of what you saw may not be kept" in (error.message or "")
    screen = fold([*whole.frames[: kept + more], *later.frames])
    items = await alice.items(whole.thread_id)
    assert screen.texts() == [comparable(item) for item in items]


async def test_it_is_told_in_the_language_of_who_asked(
    system: LocalSystem, person: MakePerson, owner_url: str
) -> None:
    """Also when a job finds it, which speaks none."""
    asked = person(language="ur")
    reader = person(asked.user_id)
    whole = await asked.create(STORY)
    for settle in (system.tidy, lambda: reader.items(whole.thread_id)):
        Rewound(owner_url, whole.run_id).to(len(whole.frames) - 5, items=1)
        await settle()
        [*_, message] = await asked.items(whole.thread_id)
        assert isinstance(message, AssistantMessageItem)
        source = message.content[-1].annotations[-1].source
        assert source.title == "یہاں جواب بیچ میں رک گیا"
        *_, error = (await asked.replay(whole.run_id)).frames
        assert isinstance(error, ErrorEvent)
        assert (error.message or "").startswith("یہ جواب بیچ میں رک گیا")


async def test_a_question_that_was_asked_waits_on(
    system: LocalSystem, alice: Client, tickets: TicketList, owner_url: str
) -> None:
    """Whether its frame was saved or not: the calls are held, and answered they are made."""
    ids = await open_tickets(system, alice, "printer", "login")
    whole = await alice.create(delete_all(*ids.values()))
    question = the_question(whole)
    before = await alice.items(whole.thread_id)
    rewound = Rewound(owner_url, whole.run_id)
    told = [
        isinstance(frame, ThreadItemDoneEvent) and frame.item.id == question.id
        for frame in whole.frames
    ].index(True)
    for count in (told, told + 1, len(whole.frames)):
        rewound.to(count, items=len(before))
        assert await alice.items(whole.thread_id) == before
        screen = await folded(alice, whole.run_id)
        assert screen.texts() == [comparable(item) for item in before]
    answered = await alice.send(answer_request(question, ["Delete them"]))
    assert not answered.errors
    assert await tickets(alice) == []


async def test_frames_that_nobody_can_read_leave_the_thread_usable(
    alice: Client, owner_url: str
) -> None:
    """Those of a newer release are passed over, and damaged ones cost what they had to say."""
    whole = await alice.create("hello")
    rewound = Rewound(owner_url, whole.run_id)
    for broken in ('{"type": "thread.hologram"}', "}{", '{}\n{"call_id": 1}'):
        rewound.to(3, items=1)
        with psycopg.connect(owner_url) as owner:
            owner.execute(
                "update run_events set frames = frames[:2] || %s::text where run_id = %s",
                (broken, whole.run_id),
            )
        assert [item.type for item in await alice.items(whole.thread_id)] == ["user_message"]
        assert (await alice.add(whole.thread_id, "hello")).text
