"""Confirmation: nothing is deleted while the model is at work; what may delete more than was meant
asks first, and the answer is carried out."""

import asyncio
import json
from typing import Any, ClassVar

import pytest
from chatkit.types import (
    ClientEffectEvent,
    HiddenContextItem,
    NoticeEvent,
    StructuredInputAnswer,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    ThreadItemReplacedEvent,
    WorkflowItem,
)

from sidestream.chat.context import RunState, ToolRecord
from sidestream.chat.tools.confirmation import Confirmation, choices_of, chosen
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from sidestream.local.model.errors import ApiError
from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, Document, create_request, delta_of, thread_request
from tests.chat.conftest import MakePerson, Rows, TicketList
from tests.chat.data import data_in
from tests.chat.fold import Screen, fold
from tests.chat.registries import registry_of
from tests.chat.steps import QUESTION, answer_request, asked, lines, lines_in, the_question
from tests.tickets import (
    DELETED,
    DOMAIN,
    LIST,
    call,
    change_ticket,
    delete_all,
    deleting,
    open_tickets,
    script,
)


async def subjects(tickets: TicketList, client: Client) -> list[str]:
    return sorted(ticket["subject"] for ticket in await tickets(client))


def trace(answer: Answer) -> list[str | None]:
    """The lines of the tool trace."""
    workflows = answer.done(WorkflowItem)
    return [
        task.title for item in workflows for task in item.workflow.tasks if hasattr(task, "title")
    ]


async def asked_to_delete(system: LocalSystem, client: Client, *subjects: str) -> Answer:
    """Have the model delete tickets that are opened for it, all of them in one step."""
    ids = await open_tickets(system, client, *subjects)
    return await client.create(delete_all(*ids.values()))


def searched(query: str, *ids: str) -> str:
    """A message on which the model searches for words, and deletes tickets in the next step."""
    return script([call("search_tickets", query=query)], deleting(*ids), answer=DELETED)


async def saved_question(client: Client, asked: StructuredInputItem) -> StructuredInputItem:
    [item] = [item for item in await client.items(asked.thread_id) if item.id == asked.id]
    assert isinstance(item, StructuredInputItem)
    return item


async def test_several_deletions_ask_first(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    answer = await asked_to_delete(system, alice, "printer", "login", "invoice")
    words, options = asked(the_question(answer))
    assert words.startswith("Delete these 3 tickets? ")
    assert all(f"“{title}”" in words for title in ("printer", "login", "invoice"))
    assert options == ["Delete them", "Keep them"]
    assert the_question(answer).status == "pending"
    assert trace(answer) == ["Delete a ticket: waits"] * 3
    assert answer.errors == []
    assert await subjects(tickets, alice) == ["invoice", "login", "printer"]


async def test_yes_deletes_and_the_turn_goes_on(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    answer = await asked_to_delete(system, alice, "printer", "login")
    asked_item = the_question(answer)
    done = await alice.send(answer_request(asked_item, ["Delete them"]))
    [event] = [f for f in done.frames if isinstance(f, ThreadItemReplacedEvent)]
    assert isinstance(event.item, StructuredInputItem)
    assert event.item.status == "answered"
    assert trace(done) == ["Delete a ticket"] * 2
    assert done.text == DELETED
    assert await subjects(tickets, alice) == []
    assert (await saved_question(alice, asked_item)).status == "answered"
    screen = fold(done.frames, fold(answer.frames))
    assert screen.texts() == Screen(items=tuple(await alice.items(answer.thread_id))).texts()


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (["Keep them"], "answered"),
        ([], "skipped"),
        ([], "answered"),
        (["Delete them", "Keep them"], "answered"),
        (["only the first one"], "answered"),
        (["delete them"], "answered"),
        (["Delete them"], "skipped"),
    ],
)
async def test_every_other_answer_deletes_nothing(
    system: LocalSystem, alice: Client, tickets: TicketList, values: list[str], status: str
) -> None:
    answer = await asked_to_delete(system, alice, "printer", "login")
    # The question is of one choice: the protocol takes the first of several values.
    values = list(reversed(values))
    done = await alice.send(answer_request(the_question(answer), values, status=status))
    assert await subjects(tickets, alice) == ["login", "printer"]
    assert done.errors == []
    assert done.text
    assert (await saved_question(alice, the_question(answer))).status == status


async def test_a_phrase_that_matches_several_asks_which(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    ids = await open_tickets(system, alice, "printer for labels", "old printer", "login")
    matching = [ids["printer for labels"], ids["old printer"]]
    answer = await alice.create(searched("printer", *matching))
    asked_item = the_question(answer)
    words, options = asked(asked_item)
    assert words == "More than one ticket matches. Which of them should be deleted?"
    assert sorted(options[:-1]) == ["old printer", "printer for labels"]
    assert options[-1] == "None of them"
    assert len(await tickets(alice)) == 3
    done = await alice.send(answer_request(asked_item, ["old printer"]))
    assert done.text == DELETED
    assert await subjects(tickets, alice) == ["login", "printer for labels"]


async def test_several_of_them_may_be_chosen(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    ids = await open_tickets(system, alice, "printer a", "printer b", "printer c")
    answer = await alice.create(searched("printer", *ids.values()))
    await alice.send(answer_request(the_question(answer), ["printer a", "printer c"]))
    assert await subjects(tickets, alice) == ["printer b"]


async def test_none_of_them_outweighs_the_others(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    ids = await open_tickets(system, alice, "printer a", "printer b")
    answer = await alice.create(searched("printer", *ids.values()))
    await alice.send(answer_request(the_question(answer), ["printer a", "None of them"]))
    assert await subjects(tickets, alice) == ["printer a", "printer b"]


async def test_tickets_with_the_same_subject(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    await open_tickets(system, alice, "printer", "None of them printer")
    await open_tickets(system, alice, "printer")
    await open_tickets(system, alice, "printer (2)")
    before = {ticket["id"]: ticket["subject"] for ticket in await tickets(alice)}
    answer = await alice.create(searched("printer", *before))
    _, options = asked(the_question(answer))
    assert len(set(options)) == len(options)
    assert options[-1] == "None of them"
    await alice.send(answer_request(the_question(answer), [options[1]]))
    after = {ticket["id"] for ticket in await tickets(alice)}
    [gone] = set(before) - after
    assert options[1].startswith(before[gone])


async def test_one_deletion_that_is_clear_asks_nothing(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    ids = await open_tickets(system, alice, "printer", "login")
    answer = await alice.create(searched("printer", ids["printer"]))
    assert answer.done(StructuredInputItem) == []
    assert answer.text == DELETED
    assert trace(answer) == ["Search the tickets", "Delete a ticket: waits"]
    saved = await alice.items(answer.thread_id)
    assert [item.type for item in saved] == ["user_message", "workflow", "assistant_message"]
    assert lines_in(saved) == [("Search the tickets", "1 ticket"), ("Delete a ticket", "printer")]
    assert fold(answer.frames).texts() == Screen(items=tuple(saved)).texts()
    [effect] = [frame for frame in answer.frames if isinstance(frame, ClientEffectEvent)]
    assert effect.data == {"tool": "delete_ticket"}
    assert await subjects(tickets, alice) == ["login"]
    assert [f.type for f in answer.frames][-1] != "notice"


async def test_an_answer_counts_once(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    asked_item = the_question(await asked_to_delete(system, alice, "printer", "login"))
    keep = answer_request(asked_item, ["Keep them"])
    delete = answer_request(asked_item, ["Delete them"])
    await alice.send(keep, idempotency_key="answer-1")
    refused = await alice.send(delete)
    assert (refused.status, refused.problem["code"]) == (409, "already_answered")
    assert refused.problem["retryable"] is False
    assert len(await tickets(alice)) == 2
    again = await alice.send(keep, idempotency_key="answer-1")
    assert again.status == 200
    assert again.text
    reused = await alice.send(delete, idempotency_key="answer-1")
    assert (reused.status, reused.problem["code"]) == (422, "key_reused")


async def test_two_answers_at_the_same_time(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    asked_item = the_question(await asked_to_delete(system, alice, "printer", "login"))
    answers = await asyncio.gather(
        *(alice.send(answer_request(asked_item, ["Delete them"])) for _ in range(4))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    codes = {answer.problem["code"] for answer in answers if answer.status == 409}
    assert codes <= {"already_answered", "run_in_progress"}
    [first] = [answer for answer in answers if answer.status == 200]
    assert trace(first) == ["Delete a ticket"] * 2
    assert await tickets(alice) == []


async def test_a_ticket_that_is_gone_by_then(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    ids = await open_tickets(system, alice, "printer", "login")
    asked_item = the_question(await alice.create(delete_all(*ids.values())))
    await change_ticket(system, alice, "DELETE", ids["printer"])
    done = await alice.send(answer_request(asked_item, ["Delete them"]))
    assert sorted(title or "" for title in trace(done)) == [
        "Delete a ticket",
        "Delete a ticket: did not work",
    ]
    assert done.errors == []
    assert await tickets(alice) == []


async def test_a_question_can_be_answered_much_later(
    system: LocalSystem, alice: Client, tickets: TicketList, rows: Rows
) -> None:
    answer = await asked_to_delete(system, alice, "printer", "login")
    # More items than a run loads.
    await rows(
        "insert into thread_items (thread_id, id, user_id, type, created_at, data) "
        "select i.thread_id, 'msg_' || n, i.user_id, i.type, i.created_at, "
        "jsonb_set(i.data::jsonb, '{id}', to_jsonb('msg_' || n)) "
        "from thread_items i, generate_series(1, 60) n "
        "where i.thread_id = %s and i.type = 'user_message' returning id",
        answer.thread_id,
    )
    await alice.send(answer_request(the_question(answer), ["Delete them"]))
    assert await tickets(alice) == []


async def test_the_model_is_told_of_the_question_and_the_answer(
    system: LocalSystem, alice: Client
) -> None:
    asked_item = the_question(await asked_to_delete(system, alice, "printer", "login"))
    await alice.send(answer_request(asked_item, ["Delete them"]))
    sent: list[dict[str, Any]] = system.model.requests[-1].body["input"]
    said = [item["content"][0]["text"] for item in sent if item.get("role") == "user"]
    assert said[-1].startswith("The person answered a question on a card:\nDelete these 2 tickets?")
    assert said[-1].endswith("-> Delete them")
    outputs = [item["output"] for item in sent if item.get("type") == "function_call_output"]
    assert sum('"deleted":true' in output for output in outputs) == 2
    assert sum('"status":"held"' in output for output in outputs) == 2


async def test_the_model_knows_of_a_question_that_is_open(
    system: LocalSystem, alice: Client, tickets: TicketList
) -> None:
    thread_id = (await asked_to_delete(system, alice, "printer", "login")).thread_id
    await alice.add(thread_id, "hello")
    sent = system.model.requests[-1].body["input"]
    asked, told = sent[-2:]
    assert asked["role"] == "assistant"
    assert asked["content"].startswith("Delete these 2 tickets?")
    assert "has not answered" in str(told)
    assert "speak of it as done" not in str(sent)
    assert len(await tickets(alice)) == 2


async def test_bad_answers(system: LocalSystem, alice: Client, bob: Client) -> None:
    answer = await asked_to_delete(system, alice, "printer", "login")
    asked_item = the_question(answer)
    good = answer_request(asked_item, ["Delete them"])
    foreign = await bob.send(good)
    assert foreign.status == 404
    message = (await alice.items(answer.thread_id))[0]
    wrong_item = {**good, "params": {**good["params"], "item_id": message.id}}
    assert (await alice.send(wrong_item)).status == 422
    part = {"status": "answered", "answers": {"nothing": {"values": ["x"]}}}
    unknown = await alice.send({**good, "params": {**good["params"], "input": part}})
    assert unknown.problem["detail"] == "The question has no part named “nothing”."
    long = await alice.send(answer_request(asked_item, ["x" * 8001]))
    assert (long.status, long.problem["code"]) == (413, "too_large")
    assert (await saved_question(alice, asked_item)).status == "pending"


async def test_in_urdu(system: LocalSystem, person: MakePerson, tickets: TicketList) -> None:
    client = person(language="ur")
    answer = await asked_to_delete(system, client, "پرنٹر", "لاگ ان")
    words, options = asked(the_question(answer))
    assert words.startswith("کیا یہ 2 ٹکٹیں حذف کر دی جائیں؟")
    assert options == ["حذف کر دیں", "رہنے دیں"]
    assert trace(answer) == ["ٹکٹ حذف کریں: انتظار میں"] * 2
    assert len(await tickets(client)) == 2
    done = await client.send(answer_request(the_question(answer), ["حذف کر دیں"]))
    assert trace(done) == ["ٹکٹ حذف کریں"] * 2
    assert await tickets(client) == []


def delete(ticket_id: str) -> ToolRequest:
    return call("delete_ticket", ticket_id=ticket_id)


class TestHeld:
    """Nothing is deleted while the model is at work, however it goes about it."""

    @pytest.mark.parametrize("words", ["", "Now this one."], ids=["silent", "talking"])
    async def test_one_deletion_per_step(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
        words: str,
    ) -> None:
        ids = await open_tickets(system, alice, "printer", "login", "invoice")
        wanted = ("printer", "login")
        model.play(*(Step(text=words, calls=(delete(ids[title]),)) for title in wanted))
        model.play(Step(text="Both are gone."))
        answer = await alice.create("tidy up")
        options = ["Delete them", "Keep them"]
        asked_words, offered = asked(the_question(answer))
        assert offered == options
        # A model that talks is interrupted by the question, one that does not is waited for.
        assert asked_words.startswith("Delete these 2 tickets? “printer”, “login”")
        assert "gone" not in answer.text
        assert answer.errors == []
        assert len(await tickets(alice)) == 3
        model.play(Step(text="Done."))
        done = await alice.send(answer_request(the_question(answer), ["Delete them"]))
        assert done.text == "Done."
        assert await subjects(tickets, alice) == ["invoice"]

    async def test_a_deletion_after_the_answer_asks_again(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer", "login")
        asked_item = the_question(await alice.create(delete_all(*ids.values())))
        model.play(Step(calls=(delete(ids["printer"]),)), Step(text="I did it all the same."))
        again = await alice.send(answer_request(asked_item, ["Keep them"]))
        assert asked(the_question(again))[0] == "Delete this ticket? “printer”"
        assert again.text == ""
        assert len(await tickets(alice)) == 2

    async def test_waits_for_the_last_word(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer", "login")
        model.hold(after_words=1)
        async with alice.stream(create_request(delete_all(ids["printer"]))) as stream:
            await stream.until(lambda frame: delta_of(frame))
            await model.until(lambda: model.held_streams == 1)
            assert await subjects(tickets, alice) == ["login", "printer"]
            model.release()
            await stream.rest()
        assert await subjects(tickets, alice) == ["login"]

    async def test_is_given_up_when_the_person_stops(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer")
        model.hold(after_words=1)
        async with alice.stream(create_request(delete_all(ids["printer"]))) as stream:
            await stream.until(lambda frame: delta_of(frame))
            stopped = await alice.http.post(f"/api/chatkit/threads/{stream.thread_id}/stop")
            assert stopped.status_code == 202
            await stream.rest()
        model.release()
        assert await subjects(tickets, alice) == ["printer"]
        saved = await alice.items(stream.thread_id)
        assert lines_in(saved)[-1] == ("Delete a ticket: stopped", None)
        following = await alice.add(stream.thread_id, delete_all(ids["printer"]))
        told = str(model.requests[-1].body["input"])
        assert "were not made" in told
        assert "speak of it as done" not in told.partition("were not made")[0]
        assert following.errors == []
        assert await subjects(tickets, alice) == []

    async def test_is_given_up_when_the_model_fails_and_a_retry_does_it(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer")
        model.refuse_next(ApiError(400, "Something is wrong with the request."), after=1)
        answer = await alice.create(delete_all(ids["printer"]))
        assert len(answer.errors) == 1
        assert await subjects(tickets, alice) == ["printer"]
        [message] = [i for i in await alice.items(answer.thread_id) if i.type == "user_message"]
        retry = thread_request("threads.retry_after_item", answer.thread_id, item_id=message.id)
        again = await alice.send(retry)
        assert again.errors == []
        assert await subjects(tickets, alice) == []

    async def test_a_phrase_that_the_model_did_not_search_for(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer for labels", "old printer", "the login")
        for steps in ((Step(calls=(ToolRequest("list_tickets", {}),)),), ()):
            model.play(*steps, Step(calls=(delete(ids["old printer"]),)), Step(text="Gone."))
            answer = await alice.create("Delete the printer, please")
            _, options = asked(the_question(answer))
            assert sorted(options[:-1]) == ["old printer", "printer for labels"]
            assert len(await tickets(alice)) == 3
        model.play(Step(calls=(delete(ids["the login"]),)), Step(text="Gone."))
        clear = await alice.create("Delete the login")
        assert clear.done(StructuredInputItem) == []
        model.play(Step(calls=(delete(ids["old printer"]),)), Step(text="Gone."))
        named = await alice.create("Delete that one: old printer")
        assert named.done(StructuredInputItem) == []
        assert await subjects(tickets, alice) == ["printer for labels"]

    async def test_an_answer_that_is_cut_asks(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        """There may have been more to delete."""
        ids = await open_tickets(system, alice, "printer")
        model.play(Step(calls=(delete(ids["printer"]),)), Step(text="word " * 5000))
        answer = await alice.create("delete the printer ticket")
        assert asked(the_question(answer))[0] == "Delete this ticket? “printer”"
        assert await subjects(tickets, alice) == ["printer"]

    async def test_a_ticket_that_is_not_there_is_told_to_the_model(
        self, system: LocalSystem, alice: Client, model: ScriptedModelServer
    ) -> None:
        ids = await open_tickets(system, alice, "printer")
        await change_ticket(system, alice, "DELETE", ids["printer"])
        model.play(Step(calls=(delete(ids["printer"]),)), Step(text="There is no such ticket."))
        answer = await alice.create("delete the printer ticket")
        assert trace(answer) == ["Delete a ticket: did not work"]
        assert answer.text == "There is no such ticket."
        [told] = [
            item["output"]
            for item in model.requests[-1].body["input"]
            if item.get("type") == "function_call_output"
        ]
        assert "held" not in told

    async def test_a_deletion_whose_answer_was_lost_took_place(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer")
        model.hold(after_words=1)
        async with alice.stream(create_request(delete_all(ids["printer"]))) as stream:
            await stream.until(lambda frame: delta_of(frame))
            await model.until(lambda: model.held_streams == 1)
            system.tools.faults.stale_responses = 1
            model.release()
            rest = await stream.rest()
        assert not [frame for frame in rest if isinstance(frame, NoticeEvent)]
        assert await tickets(alice) == []
        assert lines_in(await alice.items(stream.thread_id))[-1][0] == "Delete a ticket"

    async def test_a_ticket_that_goes_meanwhile(
        self,
        system: LocalSystem,
        alice: Client,
        tickets: TicketList,
        model: ScriptedModelServer,
    ) -> None:
        ids = await open_tickets(system, alice, "printer")
        model.hold(after_words=1)
        async with alice.stream(create_request(delete_all(ids["printer"]))) as stream:
            await stream.until(lambda frame: delta_of(frame))
            await change_ticket(system, alice, "DELETE", ids["printer"])
            model.release()
            rest = await stream.rest()
        [notice] = [frame for frame in rest if isinstance(frame, NoticeEvent)]
        assert notice.message == "That did not work. The list shows how things are now."
        assert await tickets(alice) == []
        saved = await alice.items(stream.thread_id)
        assert [item.type for item in saved[1:]] == ["workflow", "assistant_message"]
        assert lines_in(saved)[0] == (
            "Delete a ticket: did not work",
            "There is no such ticket.",
        )

    async def test_the_model_no_longer_finds_what_it_deleted(
        self, system: LocalSystem, alice: Client, tickets: TicketList
    ) -> None:
        ids = await open_tickets(system, alice, "printer", "login")
        answer = await alice.create(script(deleting(ids["printer"]), LIST, answer=DELETED))
        told = [
            item["output"]
            for item in system.model.requests[-1].body["input"]
            if item.get("type") == "function_call_output"
        ]
        assert [row["subject"] for row in json.loads(data_in(told[-1]))["data"]] == ["login"]
        assert lines(answer)[-1][1] == "1 ticket"
        assert await subjects(tickets, alice) == ["login"]


class TestQuestion:
    """Which question is asked, without a model that decides to."""

    CONFIRMATION = Confirmation(registry_of(DOMAIN))
    SEARCH: ClassVar = {
        "data": [
            {"id": "a", "subject": "Printer"},
            {"id": "b", "subject": "None of them"},
            {"id": "c", "subject": "Printer"},
        ]
    }

    def _run(self, search: Document | None = None, **deletions: str) -> RunState:
        """A run with deletions that are held: titles by ticket id."""
        run = RunState()
        if search:
            run.records.append(self._record("search_tickets", {}, search))
        for ticket_id, title in deletions.items():
            self._hold(run, ticket_id, title)
        return run

    def _hold(self, run: RunState, ticket_id: str, title: str) -> None:
        ticket = {"id": ticket_id, "subject": title}
        arguments = {"ticket_id": ticket_id}
        run.records.append(self._record("delete_ticket", arguments, ticket, held=True))

    @staticmethod
    def _record(
        name: str, arguments: Document, result: Document, *, held: bool = False
    ) -> ToolRecord:
        words = json.dumps(result)
        return ToolRecord("c", name, arguments, words, failed=False, held=held, result=result)

    def _ask(
        self, run: RunState
    ) -> tuple[str, dict[str, list[str]], StructuredInputMultipleChoice]:
        assert self.CONFIRMATION.asks(run)
        made = self.CONFIRMATION.question(run, "thr_1", "en")
        [part] = made.item.inputs
        assert isinstance(part, StructuredInputMultipleChoice)
        choices = choices_of(made.item, [made.memory])
        assert choices is not None
        assert [option.value for option in part.options] == list(choices)
        assert {call.name for calls in choices.values() for call in calls} <= {"delete_ticket"}
        ids = {
            value: [str(call.arguments["ticket_id"]) for call in calls]
            for value, calls in choices.items()
        }
        return part.question, ids, part

    def test_one_deletion_after_an_answer(self) -> None:
        run = self._run(a="Printer")
        assert not self.CONFIRMATION.asks(run)
        run.confirmed = True
        words, choices, part = self._ask(run)
        assert words == "Delete this ticket? “Printer”"
        assert choices == {"Delete them": ["a"], "Keep them": []}
        assert not part.multiple

    def test_the_same_deletion_twice_is_one(self) -> None:
        run = self._run(a="Printer")
        self._hold(run, "a", "Printer")
        assert len(self.CONFIRMATION.held(run)) == 1
        assert not self.CONFIRMATION.asks(run)

    def test_titles_like_the_words_of_the_question(self) -> None:
        _, choices, part = self._ask(self._run(self.SEARCH, a="Printer"))
        assert choices == {
            "Printer": ["a"],
            "None of them (2)": ["b"],
            "Printer (2)": ["c"],
            "None of them": [],
        }
        assert part.multiple

    def test_what_was_wanted_besides_the_matches_is_offered_too(self) -> None:
        _, choices, _ = self._ask(self._run(self.SEARCH, a="Printer", z="Invoice"))
        assert choices["Invoice"] == ["z"]

    def test_many_titles_are_cut(self) -> None:
        run = self._run(None, **{f"t{n}": f"Ticket {n}" for n in range(40)})
        words, choices, _ = self._ask(run)
        assert words.startswith("Delete these 40 tickets? “Ticket 0”, “Ticket 1”")
        assert words.endswith("“Ticket 9” …")
        assert len(choices["Delete them"]) == 40

    def test_what_asks(self) -> None:
        assert not self.CONFIRMATION.asks(RunState(confirmed=True))
        assert not self.CONFIRMATION.asks(self._run(self.SEARCH))
        assert self.CONFIRMATION.asks(self._run(a="Printer", b="Login"))
        assert self.CONFIRMATION.asks(self._run(self.SEARCH, a="Printer"))
        assert not self.CONFIRMATION.asks(self._run(self.SEARCH, z="Invoice"))

    def test_a_search_that_found_more_than_it_shows(self) -> None:
        page = {"data": [{"id": "a", "subject": "Printer"}], "has_more": True}
        _, choices, _ = self._ask(self._run(page, a="Printer"))
        assert choices == {"Printer": ["a"], "None of them": []}

    def test_searches_for_something_else_offer_nothing(self) -> None:
        run = self._run(self.SEARCH, a="Printer")
        other = {"data": [{"id": "x", "subject": "X"}, {"id": "y", "subject": "Y"}]}
        run.records.append(self._record("search_tickets", {}, other))
        _, choices, _ = self._ask(run)
        assert "X" not in choices

    def test_words_besides_a_choice_delete_nothing(self) -> None:
        made = self.CONFIRMATION.question(self._run(self.SEARCH, a="Printer"), "thr_1", "en")
        [part] = made.item.inputs
        part.answer = StructuredInputAnswer(values=["Printer", "no, keep that one"])
        choices = choices_of(made.item, [made.memory])
        assert choices is not None
        assert chosen(made.item, choices) == []

    def test_a_list_as_it_will_be(self) -> None:
        run = self._run(a="Printer")
        rows = self.CONFIRMATION.without_held(run, self.SEARCH)
        assert [row["id"] for row in rows["data"]] == ["b", "c"]
        assert self.CONFIRMATION.without_held(RunState(), self.SEARCH) is self.SEARCH
        assert self.CONFIRMATION.without_held(run, {"id": "a"}) == {"id": "a"}

    def test_a_history_without_the_question(self) -> None:
        made = self.CONFIRMATION.question(self._run(a="Printer", b="Login"), "thr_1", "en")
        other = made.memory.model_copy(update={"content": {"kind": "note", "text": "x"}})
        assert choices_of(made.item, []) is None
        assert choices_of(made.item, [other]) is None
        assert isinstance(made.memory, HiddenContextItem)
        assert chosen(made.item, {}) == []
        assert made.item.inputs[0].id == QUESTION
