"""Steps without a fault: what people do between their messages, and in a second window."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import httpx2
from chatkit.types import AssistantMessageItem, Page, ThreadItem, UserMessageItem
from pydantic import TypeAdapter

from tests.chat.client import Document, add_request, thread_request
from tests.chat.fold import comparable
from tests.chat.steps import QUESTION, action_request
from tests.chat.test_attachments import NOTES, announced, attached
from tests.chat.walk import words
from tests.chat.walk.hearing import BOUND_S, Heard, comparable_events
from tests.chat.walk.oracle import Judged
from tests.chat.walk.person import Person
from tests.chat.walk.plan import Act, Fault
from tests.chat.walk.scene import Scene
from tests.chat.walk.steps import Doing, Stage, answer, retry, say, widget

_PAGE: Final[TypeAdapter[Page[ThreadItem]]] = TypeAdapter(Page[ThreadItem])


async def stop(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Stop an answer."""
    thread_id = await _thread(stage, person)
    stage.note(Act.STOP, person)
    async with _in_mid_answer(stage, person, thread_id) as (scene, hearing):
        answer = await person.client.request("POST", f"/api/chatkit/threads/{thread_id}/stop")
        assert answer.status == httpx2.codes.ACCEPTED, answer.body
        await hearing
    await stage.oracle.settle(person, scene, None, _story(person, thread_id, ended="stopped"))
    return False


async def follow(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Leave in mid-answer, and come back to any event of it."""
    thread_id = await _thread(stage, person)
    stage.note(Act.FOLLOW, person)
    async with _in_mid_answer(stage, person, thread_id) as (scene, hearing):
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        del scene.heard.frames[stage.random.randrange(len(scene.heard.frames) + 1) :]
        following = asyncio.ensure_future(person.client.follow(scene.heard))
        await asyncio.sleep(0)
        await stage.cloud.flow()
        await following
    await stage.oracle.settle(person, scene, None, _story(person, thread_id))
    return False


async def second_tab(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Open a thread in a second window while it is answered in the first one."""
    thread_id = await _thread(stage, person)
    stage.note(Act.SECOND_TAB, person)
    client = person.client
    async with _in_mid_answer(stage, person, thread_id) as (scene, hearing):
        refused = await client.post(add_request(thread_id, "hello"))
        assert refused.status == httpx2.codes.CONFLICT, refused.body
        assert refused.problem["code"] == "run_in_progress"
        known = [item.id for item in person.screens[thread_id].items]
        assert [item.id for item in await client.items(thread_id)][: len(known)] == known
        other = Heard(run_id=scene.heard.run_id, thread_id=thread_id)
        following = asyncio.ensure_future(client.follow(other))
        await asyncio.sleep(0)
        await stage.cloud.flow()
        await asyncio.gather(hearing, following)
    assert comparable_events(other.frames) == comparable_events(scene.heard.frames)
    await stage.oracle.settle(person, scene, None, _story(person, thread_id))
    return False


async def replay(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Read again what an answer streamed."""
    while not (known := [heard for runs in person.runs.values() for heard in runs]):
        await say(stage, person, None)
    heard = stage.random.choice(known)
    after = stage.random.randrange(len(heard.frames) + 1)
    stage.note(Act.REPLAY, person, after)
    await stage.oracle.check_replay(person, heard, after)
    return False


async def reload(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Open a thread anew, in pages of any length, from either end."""
    thread_id = await _thread(stage, person)
    order, limit = stage.random.choice(("asc", "desc")), stage.random.randrange(1, 8)
    stage.note(Act.RELOAD, person, f"{order} {limit}")
    found: list[ThreadItem] = []
    params: Document = {"order": order, "limit": limit}
    while True:
        got = await person.client.send(thread_request("items.list", thread_id, **params))
        page = _PAGE.validate_json(got.body)
        found += page.data
        if not page.has_more:
            break
        params["after"] = page.after
    texts = [comparable(item) for item in found]
    assert texts[:: 1 if order == "asc" else -1] == person.screens[thread_id].texts()
    await stage.oracle.check_thread(person, thread_id)
    return False


async def attach(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Send a file with a message, or think better of it."""
    thread_id = await _thread(stage, person)
    stage.note(Act.ATTACH, person)
    if stage.random.random() < 0.2:
        file = await announced(person.client, "notes.txt", len(NOTES), "text/plain")
        request = {"type": "attachments.delete", "params": {"attachment_id": file.id}}
        assert (await person.client.send(request)).json() == {}
        return False
    file = await attached(person.client, "notes.txt", NOTES, "text/plain")
    request = add_request(thread_id, "hello", attachments=[file.id])
    scene = stage.scene(person, request, speaks=True, calls=False)
    await person.client.deliver(request, scene.heard)
    judged = Judged((), ([*person.said[thread_id], "hello"],))
    await stage.oracle.settle(person, scene, None, judged)
    [*_, message] = [
        item for item in person.screens[thread_id].items if isinstance(item, UserMessageItem)
    ]
    assert [each.id for each in message.attachments] == [file.id]
    return False


async def feedback(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Say what one thinks of an answer."""
    while (item := person.item(stage.random, AssistantMessageItem)) is None:
        await say(stage, person, None, words.STORY)
    kind = stage.random.choice(("positive", "negative"))
    stage.note(Act.FEEDBACK, person, kind)
    request = thread_request("items.feedback", item.thread_id, item_ids=[item.id], kind=kind)
    assert (await person.client.send(request)).json() == {}
    await stage.oracle.check_feedback(item, kind)
    return False


async def rename(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Give a thread another title."""
    thread_id = await _thread(stage, person)
    title = stage.random.choice(("Shopping", "خریداری"))
    stage.note(Act.RENAME, person, title)
    request = thread_request("threads.update", thread_id, title=title)
    assert (await person.client.send(request)).status == httpx2.codes.OK
    person.screens[thread_id] = replace(person.screens[thread_id], title=title)
    await stage.oracle.check_thread(person, thread_id)
    return False


async def delete(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Delete a thread, also one that is being answered."""
    thread_id = await _thread(stage, person)
    writing = stage.random.choice((True, False))
    stage.note(Act.DELETE, person, "in mid-answer" if writing else "")
    before = await stage.oracle.spent(person)
    counted = await stage.oracle.counted(person)
    if writing:
        async with _in_mid_answer(stage, person, thread_id) as (scene, _hearing):
            await _delete(person, thread_id)
        assert scene.heard.errors, "the answer in a deleted thread has no end"
        # What the answer had cost by then counts, and no row tells it any more.
        person.spent += await stage.oracle.counted(person) - counted
    else:
        await _delete(person, thread_id)
    person.spent += before - await stage.oracle.spent(person)
    person.forget(thread_id)
    return False


async def meddle(stage: Stage, person: Person, _fault: Fault | None) -> bool:
    """Somebody else tries all that could touch a thread which is not theirs."""
    thread_id = await _thread(stage, person)
    [other] = {each.name: each for each in stage.people if each is not person}.values()
    stage.note(Act.MEDDLE, other)
    screen = person.screens[thread_id]
    item_id = stage.random.choice([*(item.id for item in screen.items), "msg_x"])
    action = {"type": "ticket.delete", "payload": {"ticket_id": "tck_x", "title": "printer"}}
    given = {"status": "answered", "answers": {QUESTION: {"values": ["Delete them"]}}}
    requests: list[Document] = [
        add_request(thread_id, "hello"),
        thread_request("threads.get_by_id", thread_id),
        thread_request("items.list", thread_id),
        thread_request("threads.update", thread_id, title="mine"),
        thread_request("threads.retry_after_item", thread_id, item_id=item_id),
        thread_request("items.feedback", thread_id, item_ids=[item_id], kind="negative"),
        action_request(thread_id, item_id, action),
        action_request(thread_id, item_id, action, sync=True),
        thread_request("threads.add_structured_input", thread_id, item_id=item_id, input=given),
    ]
    for request in requests:
        assert (await other.client.send(request)).status == httpx2.codes.NOT_FOUND, request
    assert (await other.client.send(thread_request("threads.delete", thread_id))).json() == {}
    paths = [("POST", f"threads/{thread_id}/stop"), ("GET", f"threads/{thread_id}/run")]
    paths += [("GET", f"runs/{heard.run_id}/events") for heard in person.runs.get(thread_id, [])]
    for method, path in paths:
        refused = await other.client.request(method, f"/api/chatkit/{path}")
        assert refused.status == httpx2.codes.NOT_FOUND, path
    await stage.oracle.check_thread(person, thread_id)
    return False


async def _delete(person: Person, thread_id: str) -> None:
    assert (await person.client.send(thread_request("threads.delete", thread_id))).json() == {}
    gone = await person.client.send(thread_request("threads.get_by_id", thread_id))
    assert gone.status == httpx2.codes.NOT_FOUND


async def _thread(stage: Stage, person: Person) -> str:
    """One of a person's threads."""
    while (thread_id := person.thread(stage.random)) is None:
        await say(stage, person, None)
    return thread_id


def _story(person: Person, thread_id: str, *, ended: str = "completed") -> Judged:
    return Judged((), ([*person.said[thread_id], words.STORY],), ended=ended)


@asynccontextmanager
async def _in_mid_answer(
    stage: Stage, person: Person, thread_id: str
) -> AsyncIterator[tuple[Scene, asyncio.Future[Heard]]]:
    """Ask for a story, and have the model keep back its end until the block ends. Gives the scene
    and the hearing of it."""
    model = stage.cloud.model
    model.hold(after_words=stage.random.randrange(1, 25))
    scene = stage.scene(person, add_request(thread_id, words.STORY), speaks=True, calls=False)
    hearing = asyncio.ensure_future(person.client.deliver(scene.request, scene.heard))
    try:
        async with asyncio.timeout(BOUND_S):
            await model.until(lambda: model.held_streams > 0)
            await scene.heard.began.wait()
            yield scene, hearing
            await stage.cloud.flow()
            await asyncio.wait({hearing})
            if not hearing.cancelled():
                await hearing
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await stage.cloud.mend()


DOINGS: Final[dict[Act, Doing]] = {
    Act.SAY: say,
    Act.RETRY: retry,
    Act.STOP: stop,
    Act.FOLLOW: follow,
    Act.REPLAY: replay,
    Act.RELOAD: reload,
    Act.WIDGET: widget,
    Act.ANSWER: answer,
    Act.ATTACH: attach,
    Act.FEEDBACK: feedback,
    Act.RENAME: rename,
    Act.DELETE: delete,
    Act.SECOND_TAB: second_tab,
    Act.MEDDLE: meddle,
}
