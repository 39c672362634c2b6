"""Folding: what a client saw is what is there.

Random conversations of two people (messages, retries, stops, failures, actions, answers, deletions,
crashes) against the real function and Postgres. After every step the frames that the client
received, folded, are what `threads.get_by_id` and the pages of `items.list` give.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, get_args

import httpx2
import pytest
import pytest_asyncio
from chatkit.types import (
    StructuredInputItem,
    StructuredInputMultipleChoice,
    SyncCustomActionResponse,
    ThreadItemUpdate,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import TypeAdapter

from sidestream.local.emulator import FunctionUrl
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.client import (
    Answer,
    Client,
    Document,
    add_request,
    create_request,
    delta_of,
    thread_request,
)
from tests.chat.fold import FoldError, Screen, comparable, fold
from tests.chat.steps import QUESTION, action_request, row_action, rows_shown
from tests.chat.until import until
from tests.chat.variants import chat_function
from tests.tickets import (
    LIST,
    LISTED,
    SHOW,
    change,
    delete_all,
    open_all,
    open_tickets,
    opening,
    script,
    tickets_of,
)

PEOPLE = ("ann", "ben")
NOTHING = "tck_" + "0" * 32
# What people say, by what it is, given the ids of their tickets, one at least.
MESSAGES: dict[str, Callable[[Sequence[str]], str]] = {
    "hello": lambda _: "hello",
    "open one": lambda _: open_all("printer"),
    "open one and list": lambda _: script(opening("old printer"), LIST, answer=LISTED),
    "list": lambda _: SHOW,
    "change the first": lambda ids: change(ids[0], status="pending"),
    "delete the first": lambda ids: delete_all(ids[0]),
    "delete all": lambda ids: delete_all(*ids),
    "a story": lambda _: "tell me a 20 word story",
    "open one in Urdu": lambda _: open_all("پرنٹر", answer="ٹکٹ کھول دی۔"),
    "list in Urdu": lambda _: script(LIST, answer="یہ رہیں۔"),
}
SAID = tuple(MESSAGES)
FAULTS = ("cut", "filter", "refuse")
LEASE_S = "2"
EXAMPLES, STEPS = 8, 25

pick = st.integers(min_value=0, max_value=999)


class Conversations(RuleBasedStateMachine):
    """Two people and what each has on the screen, by thread."""

    system: LocalSystem
    function: FunctionUrl
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, Client] = {}
        self.screens: dict[str, dict[str, Screen]] = {}
        self.crashes_left = 0

    def go[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop that the system runs on, from the thread of the machine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    @initialize(crashes=st.sampled_from((0, 0, 0, 1)))
    def begin(self, crashes: int) -> None:
        self.crashes_left = crashes
        for name in PEOPLE:
            token = self.system.token(new_id("user"))
            self.clients[name] = Client(self.function.url, token)
            self.screens[name] = {}
        self.go(open_tickets(self.system, self.clients["ann"], "printer", "old printer", "login"))
        for what in ("list", "delete all"):
            self.create("ann", what)

    def teardown(self) -> None:
        try:
            for name in self.clients:
                self.go(self._check_threads(name))
        finally:
            for client in self.clients.values():
                self.go(client.http.aclose())

    # What people do.

    @rule(name=st.sampled_from(PEOPLE), what=st.sampled_from(SAID))
    def create(self, name: str, what: str) -> None:
        answer = self.go(self.clients[name].send(create_request(self.words(name, what))))
        self.went_on(name, answer, Screen())

    @rule(name=st.sampled_from(PEOPLE), thread=pick, what=st.sampled_from(SAID))
    def add(self, name: str, thread: int, what: str) -> None:
        if chosen := self.thread(name, thread):
            request = add_request(chosen, self.words(name, what))
            answer = self.go(self.clients[name].send(request))
            self.went_on(name, answer, self.screens[name][chosen])

    @rule(name=st.sampled_from(PEOPLE), item=pick)
    def retry(self, name: str, item: int) -> None:
        if message := self.item(name, item, UserMessageItem):
            thread_id = message.thread_id
            request = thread_request("threads.retry_after_item", thread_id, item_id=message.id)
            answer = self.go(self.clients[name].send(request))
            self.went_on(name, answer, self.screens[name][thread_id])

    @rule(name=st.sampled_from(PEOPLE), thread=pick)
    def stop(self, name: str, thread: int) -> None:
        if chosen := self.thread(name, thread):
            answer = self.go(self._stopped(self.clients[name], chosen))
            self.went_on(name, answer, self.screens[name][chosen])

    @rule(
        name=st.sampled_from(PEOPLE),
        thread=pick,
        what=st.sampled_from(SAID),
        fault=st.sampled_from(FAULTS),
    )
    def model_fails(self, name: str, thread: int, what: str, fault: str) -> None:
        """The answer breaks off, with an error that says what to do."""
        if chosen := self.thread(name, thread):
            text = self.words(name, what)
            answer = self.go(self._failing(self.clients[name], chosen, text, fault))
            self.went_on(name, answer, self.screens[name][chosen])

    @rule(
        name=st.sampled_from(PEOPLE),
        item=pick,
        row=pick,
        kind=st.sampled_from(("ticket.urgent", "ticket.delete")),
        sync=st.booleans(),
    )
    def act(self, name: str, item: int, row: int, kind: str, *, sync: bool) -> None:
        widget = self.item(name, item, WidgetItem)
        if widget is None or not (rows := rows_shown(widget)):
            return
        chosen = widget.thread_id
        action = row_action(widget, rows[row % len(rows)][0], kind)
        answer = self.go(
            self.clients[name].send(action_request(chosen, widget.id, action, sync=sync))
        )
        screen = self.screens[name][chosen]
        if sync:
            self.screens[name][chosen] = _replaced(screen, answer)
            self.go(self._check_thread(name, chosen))
        else:
            self.went_on(name, answer, screen)

    @rule(
        name=st.sampled_from(PEOPLE),
        item=pick,
        picks=st.lists(pick, max_size=2),
        status=st.sampled_from(("answered", "answered", "skipped")),
    )
    def answer_question(self, name: str, item: int, picks: list[int], status: str) -> None:
        question = self.item(name, item, StructuredInputItem)
        if question is None:
            return
        chosen = question.thread_id
        [part] = question.inputs
        assert isinstance(part, StructuredInputMultipleChoice)
        values = [part.options[number % len(part.options)].value for number in picks]
        given = {"status": status, "answers": {QUESTION: {"values": values}}}
        request = thread_request(
            "threads.add_structured_input", chosen, item_id=question.id, input=given
        )
        answer = self.go(self.clients[name].send(request))
        if question.status == "pending":
            self.went_on(name, answer, self.screens[name][chosen])
        else:
            assert answer.status == 409
            self.go(self._check_thread(name, chosen))

    @rule(name=st.sampled_from(PEOPLE), thread=pick, title=st.sampled_from(("Shopping", "خریداری")))
    def rename(self, name: str, thread: int, title: str) -> None:
        if chosen := self.thread(name, thread):
            request = thread_request("threads.update", chosen, title=title)
            assert self.go(self.clients[name].send(request)).status == 200
            self.screens[name][chosen] = replace(self.screens[name][chosen], title=title)
            self.go(self._check_thread(name, chosen))

    @rule(name=st.sampled_from(PEOPLE), thread=pick)
    def delete(self, name: str, thread: int) -> None:
        if chosen := self.thread(name, thread):
            request = thread_request("threads.delete", chosen)
            assert self.go(self.clients[name].send(request)).json() == {}
            del self.screens[name][chosen]
            gone = self.go(self.clients[name].send(thread_request("threads.get_by_id", chosen)))
            assert gone.status == 404

    @rule(name=st.sampled_from(PEOPLE), thread=pick, item=pick)
    def meddle(self, name: str, thread: int, item: int) -> None:
        """The other one tries everything that could touch a thread which is not theirs."""
        if chosen := self.thread(name, thread):
            [other] = set(PEOPLE) - {name}
            self.go(self._meddle(self.clients[other], chosen, self.screens[name][chosen], item))
            self.go(self._check_thread(name, chosen))

    @precondition(lambda self: self.crashes_left > 0)
    @rule(name=st.sampled_from(PEOPLE), thread=pick, words=st.integers(0, 5))
    def crash(self, name: str, thread: int, words: int) -> None:
        if chosen := self.thread(name, thread):
            self.crashes_left -= 1
            self.go(self._crash(name, chosen, words))

    # What then has to hold.

    def went_on(self, name: str, answer: Answer, before: Screen) -> None:
        """A stream ended: fold it, and compare."""
        assert answer.status == httpx2.codes.OK, answer.body
        screen = fold(answer.frames, before)
        assert screen.unfinished == frozenset()
        thread_id = answer.thread_id
        assert screen.thread_id in (None, thread_id)
        self.screens[name][thread_id] = screen
        self.go(self._check_thread(name, thread_id))

    async def _check_thread(self, name: str, thread_id: str) -> None:
        client, screen = self.clients[name], self.screens[name][thread_id]
        thread = await client.get(thread_id)
        items = await client.items(thread_id)
        seen = screen.texts()
        assert [comparable(item) for item in items] == seen
        assert [comparable(item) for item in thread.items.data] == seen[: len(thread.items.data)]
        assert thread.items.has_more or len(thread.items.data) == len(seen)
        assert thread.title == screen.title
        assert len({item.id for item in items}) == len(items)
        assert {item.thread_id for item in items} <= {thread_id}

    async def _check_threads(self, name: str) -> None:
        listed = {thread.id for thread in await self.clients[name].threads()}
        assert listed == set(self.screens[name])
        for thread_id in listed:
            await self._check_thread(name, thread_id)

    # How the harder steps are done.

    async def _stopped(self, client: Client, thread_id: str) -> Answer:
        model = self.system.model
        model.hold(after_words=1)
        try:
            async with client.stream(add_request(thread_id, "tell me a 30 word story")) as stream:
                frames: list[ThreadStreamEvent] = []
                async for frame in stream:
                    frames.append(frame)
                    if delta_of(frame) is not None:
                        stopped = await client.http.post(f"/api/chatkit/threads/{thread_id}/stop")
                        assert stopped.status_code == httpx2.codes.ACCEPTED
                        break
                frames += await stream.rest()
        finally:
            model.release()
        return stream.answer(frames)

    async def _failing(self, client: Client, thread_id: str, text: str, fault: str) -> Answer:
        model = self.system.model
        match fault:
            case "cut":
                model.cut_next(after_words=1)
            case "filter":
                model.content_filter_next(after_words=2)
            case _:
                model.fail_next(401)
        answer = await client.send(add_request(thread_id, text))
        assert answer.errors
        return answer

    async def _meddle(self, other: Client, thread_id: str, screen: Screen, item: int) -> None:
        item_id = screen.items[item % len(screen.items)].id if screen.items else "msg_x"
        row = {"ticket_id": "tck_x", "title": "printer"}
        action = {"type": "ticket.delete", "payload": row}
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
            assert (await other.send(request)).status == httpx2.codes.NOT_FOUND, request
        assert (await other.send(thread_request("threads.delete", thread_id))).json() == {}
        stopped = await other.http.post(f"/api/chatkit/threads/{thread_id}/stop")
        assert stopped.status_code == httpx2.codes.NOT_FOUND

    async def _crash(self, name: str, thread_id: str, words: int) -> None:
        """Kill the process in the middle of an answer. What is there afterwards begins with
        everything that the client saw finished (the last of it may not have arrived); the client
        then reloads."""
        client, model = self.clients[name], self.system.model
        frames: list[ThreadStreamEvent] = []
        model.hold(after_words=words)
        try:
            request = add_request(thread_id, MESSAGES["open one and list"]([]))
            async with client.stream(request) as stream:
                reading = asyncio.create_task(_collect(stream, frames))
                await model.until(lambda: model.held_streams == 1)
                for environment in self.function.environments:
                    environment.kill()
                await asyncio.gather(reading, return_exceptions=True)
        finally:
            model.release()
        path = f"/api/chatkit/threads/{thread_id}/run"

        async def over() -> bool:
            return bool((await client.http.get(path)).json()["status"] != "running")

        await until(over)
        before = self.screens[name][thread_id]
        seen = fold(frames, before)
        finished = [item for item in seen.items if item.id not in seen.unfinished]
        items = await client.items(thread_id)
        saved = [comparable(item) for item in items]
        assert saved[: len(finished)] == [comparable(item) for item in finished]
        self.screens[name][thread_id] = replace(before, items=tuple(items))
        await self._check_thread(name, thread_id)

    # What there is to choose from.

    def words(self, name: str, what: str) -> str:
        """What a person says, about the tickets as they are now."""
        opened = self.go(tickets_of(self.system, self.clients[name]))
        return MESSAGES[what]([ticket["id"] for ticket in opened] or [NOTHING])

    def thread(self, name: str, number: int) -> str | None:
        """One of a person's threads, if there is any."""
        threads = list(self.screens[name])
        return threads[number % len(threads)] if threads else None

    def item[T](self, name: str, number: int, kind: type[T]) -> T | None:
        """One of the items of a kind that a person sees, if there is any."""
        screens = self.screens[name].values()
        items = [item for screen in screens for item in screen.items if isinstance(item, kind)]
        return items[number % len(items)] if items else None


async def _collect(stream: Any, frames: list[ThreadStreamEvent]) -> None:
    async for frame in stream:
        frames.append(frame)


def _replaced(screen: Screen, answer: Answer) -> Screen:
    fresh = SyncCustomActionResponse.model_validate_json(answer.body).updated_item
    assert fresh is not None
    items = tuple(fresh if item.id == fresh.id else item for item in screen.items)
    return replace(screen, items=items)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def machine(system: LocalSystem) -> AsyncIterator[type[Conversations]]:
    """The machine, with a function of its own, whose killed runs are soon over."""
    async with chat_function(
        system,
        RUN_LEASE_S=LEASE_S,
        REQUESTS_PER_MINUTE="0",
        TOKENS_PER_DAY="0",
        MODEL_MAX_RETRIES="0",
    ) as function:
        Conversations.system, Conversations.function = system, function
        Conversations.loop = asyncio.get_running_loop()
        yield Conversations


@pytest.mark.slow
async def test_what_a_client_saw_is_what_is_there(machine: type[Conversations]) -> None:
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            database=None,
            derandomize="CI" in os.environ,
            phases=(Phase.generate,),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def test_one_of_each_step(machine: type[Conversations]) -> None:
    """Chance may leave a step out; this does not."""

    def steps() -> None:
        run = machine()
        run.begin(crashes=2)
        for sync in (False, True):
            run.act("ann", item=0, row=0, kind="ticket.urgent", sync=sync)
        run.act("ann", item=0, row=1, kind="ticket.delete", sync=False)
        run.retry("ann", item=0)
        run.stop("ann", thread=0)
        run.add("ann", thread=0, what="delete the first")
        for fault in FAULTS:
            run.model_fails("ann", thread=0, what="list", fault=fault)
        run.crash("ann", thread=0, words=0)
        run.crash("ann", thread=1, words=2)
        run.add("ann", thread=1, what="hello")
        for _ in range(2):
            run.answer_question("ann", item=0, picks=[0], status="answered")
        run.meddle("ann", thread=0, item=1)
        run.rename("ann", thread=0, title="Shopping")
        run.delete("ann", thread=1)
        run.teardown()

    await asyncio.to_thread(steps)


class TestFold:
    """The fold itself: every event and every update, and what it will not take."""

    THREAD = '{"id":"t","created_at":"2026-01-01T00:00:00Z","items":{"data":[]}'
    COMMON = '"thread_id":"t","created_at":"2026-01-01T00:00:00Z"'

    def _events(self, *frames: str) -> list[ThreadStreamEvent]:
        adapter: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)
        return [adapter.validate_json(frame) for frame in frames]

    def _message(self, text: str | None) -> str:
        part = "" if text is None else f'{{"type":"output_text","text":"{text}","annotations":[]}}'
        return f'{{"type":"assistant_message","id":"m",{self.COMMON},"content":[{part}]}}'

    def _update(self, update: str, item_id: str = "m") -> str:
        return f'{{"type":"thread.item.updated","item_id":"{item_id}","update":{{{update}}}}}'

    def test_a_message_word_by_word(self) -> None:
        kind = '"type":"assistant_message.content_part.'
        annotation = '"annotation":{"type":"annotation","source":{"type":"url","url":"https://e.org","title":"e"}}'
        events = self._events(
            f'{{"type":"thread.created","thread":{self.THREAD},"title":"A"}}}}',
            '{"type":"stream_options","stream_options":{"allow_cancel":true}}',
            f'{{"type":"thread.item.added","item":{self._message(None)}}}',
            self._update(
                f'{kind}added","content_index":0,"content":{{"text":"","annotations":[]}}'
            ),
            self._update(f'{kind}text_delta","content_index":0,"delta":"Hel"'),
            self._update(f'{kind}text_delta","content_index":0,"delta":"lo"'),
            self._update(
                f'{kind}annotation_added","content_index":0,"annotation_index":0,{annotation}'
            ),
            self._update(f'{kind}done","content_index":0,"content":{{"text":"Hello"}}'),
        )
        screen = fold(events)
        assert screen.unfinished == {"m"}
        assert (screen.title, screen.allow_cancel) == ("A", True)
        assert '"text": "Hello"' in screen.texts()[0]
        # In two parts it is the same, and nothing that went in has changed.
        halves = fold(events[4:], fold(events[:4]))
        assert halves.texts() == screen.texts()
        assert fold(events).texts() == screen.texts()
        done = fold(
            self._events(
                f'{{"type":"thread.item.done","item":{self._message("Hello")}}}',
                f'{{"type":"thread.updated","thread":{self.THREAD},"title":"B"}}}}',
                '{"type":"progress_update","text":"soon"}',
                '{"type":"notice","level":"info","message":"n"}',
                '{"type":"client_effect","name":"e","data":{}}',
                '{"type":"error","code":"custom","message":"x","allow_retry":false}',
            ),
            screen,
        )
        assert done.unfinished == frozenset()
        assert (done.title, done.progress) == ("B", "soon")
        assert (len(done.notices), len(done.effects), len(done.errors)) == (1, 1, 1)
        removed = fold(self._events('{"type":"thread.item.removed","item_id":"m"}'), done)
        assert removed.items == ()

    def test_workflows_widgets_and_images(self) -> None:
        task = '"task":{"type":"custom","title":"one","status_indicator":"loading"}'
        empty = '{"type":"custom","tasks":[]}'
        workflow = f'{{"type":"workflow","id":"w",{self.COMMON},"workflow":{empty}}}'
        widget = (
            f'{{"type":"widget","id":"g",{self.COMMON},"widget":{{"type":"Card","children":['
            '{"type":"Markdown","id":"x","value":"a","streaming":true}]}}'
        )
        image = f'{{"type":"generated_image","id":"i",{self.COMMON}}}'
        events = self._events(
            f'{{"type":"thread.item.added","item":{workflow}}}',
            self._update(f'"type":"workflow.task.added","task_index":0,{task}', "w"),
            self._update(
                f'"type":"workflow.task.updated","task_index":0,{task.replace("one", "two")}', "w"
            ),
            f'{{"type":"thread.item.added","item":{widget}}}',
            self._update(
                '"type":"widget.streaming_text.value_delta","component_id":"x","delta":"bc",'
                '"done":true',
                "g",
            ),
            f'{{"type":"thread.item.added","item":{image}}}',
            self._update(
                '"type":"generated_image.updated","image":{"id":"p","url":"https://e.org/p"}', "i"
            ),
        )
        screen = fold(events)
        assert ["two" in screen.texts()[0], '"abc"' in screen.texts()[1]] == [True, True]
        assert "https://e.org/p" in screen.texts()[2]
        later = fold(
            self._events(
                self._update(
                    '"type":"widget.component.updated","component_id":"x",'
                    '"component":{"type":"Markdown","id":"x","value":"new"}',
                    "g",
                )
            ),
            screen,
        )
        assert '"new"' in later.texts()[1]
        root = fold(
            self._events(
                self._update(
                    '"type":"widget.root.updated","widget":{"type":"Card","children":[]}', "g"
                )
            ),
            later,
        )
        assert '"children": []' in root.texts()[1]
        replaced = fold(self._events(f'{{"type":"thread.item.replaced","item":{widget}}}'), root)
        assert [item.id for item in replaced.items] == ["w", "g", "i"]

    @pytest.mark.parametrize(
        "frame",
        [
            '{"type":"thread.item.updated","item_id":"nobody","update":'
            '{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"x"}}',
            '{"type":"thread.item.updated","item_id":"m","update":'
            '{"type":"assistant_message.content_part.text_delta","content_index":7,"delta":"x"}}',
            '{"type":"thread.item.updated","item_id":"m","update":'
            '{"type":"workflow.task.added","task_index":0,"task":{"type":"custom"}}}',
            '{"type":"thread.created","thread":{"id":"t","created_at":"2026-01-01T00:00:00Z",'
            '"items":{"data":[]}}}',
            '{"type":"thread.updated","thread":{"id":"other","created_at":"2026-01-01T00:00:00Z",'
            '"items":{"data":[]}}}',
        ],
    )
    def test_what_makes_no_sense(self, frame: str) -> None:
        before = fold(
            self._events(
                f'{{"type":"thread.created","thread":{self.THREAD}}}}}',
                f'{{"type":"thread.item.added","item":{self._message("Hi")}}}',
            )
        )
        with pytest.raises(FoldError):
            fold(self._events(frame), before)

    def test_items_of_other_threads_and_doubles(self) -> None:
        added = f'{{"type":"thread.item.added","item":{self._message("Hi")}}}'
        before = fold(self._events(f'{{"type":"thread.created","thread":{self.THREAD}}}}}', added))
        done = added.replace("added", "done")
        with pytest.raises(FoldError):
            fold(self._events(added), before)
        with pytest.raises(FoldError):
            fold(self._events(done.replace('"thread_id":"t"', '"thread_id":"u"')), before)
        with pytest.raises(FoldError):
            fold(self._events(done.replace("done", "replaced")), Screen(thread_id="t"))

    def test_there_are_no_other_updates(self) -> None:
        """The ten that the tests above take. A new one has to be folded too."""
        assert {kind.model_fields["type"].default for kind in get_args(ThreadItemUpdate)} == {
            "assistant_message.content_part.added",
            "assistant_message.content_part.annotation_added",
            "assistant_message.content_part.done",
            "assistant_message.content_part.text_delta",
            "generated_image.updated",
            "widget.component.updated",
            "widget.root.updated",
            "widget.streaming_text.value_delta",
            "workflow.task.added",
            "workflow.task.updated",
        }
