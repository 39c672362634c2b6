"""A tool that asks, on the whole platform: `close_ticket` wants a reason, a card asks for it."""

import asyncio
import json

import psycopg
import pytest
from chatkit.types import (
    ClientEffectEvent,
    NoticeEvent,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemReplacedEvent,
    WorkflowItem,
)

from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from tests.chat.client import Answer, thread_request
from tests.chat.fold import Screen, fold
from tests.chat.steps import (
    action_request,
    answer_request,
    asked,
    filled_in,
    the_question,
    the_widget,
)
from tests.examples.conftest import Agent
from tests.examples.test_tickets_chat import delete, effects, rows_of, saved, tool, trace

WORDS = "Close a ticket “printer”: Why is this ticket closed?\nReason"


def close(ticket_id: str) -> ToolRequest:
    return tool("close_ticket", ticket_id=ticket_id)


async def reasons(agent: Agent) -> list[tuple[str, str]]:
    return [(ticket["status"], ticket["close_reason"]) for ticket in await agent.tickets()]


async def closing(agent: Agent, scripted: ScriptedModelServer, *subjects: str) -> Answer:
    """Ask for tickets to be closed, as far as the card."""
    ids = await agent.open(*subjects)
    scripted.play(Step(calls=tuple(close(id_) for id_ in ids.values())))
    return await agent.chat.create("close it")


def told(scripted: ScriptedModelServer) -> str:
    """All that the model has been sent."""
    return json.dumps([request.body for request in scripted.requests], ensure_ascii=False)


class TestCard:
    async def test_a_card_asks_and_the_answer_does_it(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        card = the_question(answer)
        [question] = card.inputs
        assert isinstance(question, StructuredInputFreeform)
        assert question.question == WORDS
        assert trace(answer.done(WorkflowItem)) == ["Close a ticket: waits"]
        assert effects(answer) == []
        assert await reasons(agent) == [("open", "")]
        scripted.play(Step(text="It is closed."))
        done = await agent.chat.send(filled_in(card, "refilled"))
        assert trace(done.done(WorkflowItem)) == ["Close a ticket"]
        assert done.text == "It is closed."
        assert effects(done) == ["tickets.changed"]
        assert await reasons(agent) == [("closed", "refilled")]
        screen = fold(done.frames, fold(answer.frames))
        reloaded = tuple(await agent.chat.items(answer.thread_id))
        assert screen.texts() == Screen(items=reloaded).texts()

    async def test_it_is_there_after_a_reload(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        card = await saved(agent.chat, the_question(answer))
        assert isinstance(card, StructuredInputItem)
        assert (card.status, card.inputs[0].question) == ("pending", WORDS)
        scripted.play(Step(text="Closed."))
        await agent.chat.send(filled_in(card, "refilled"))
        card = await saved(agent.chat, card)
        assert isinstance(card, StructuredInputItem)
        assert card.inputs[0].answer is not None
        assert (card.status, card.inputs[0].answer.values) == ("answered", ["refilled"])

    async def test_in_urdu(self, colleague: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(colleague, scripted, "پرنٹر")
        [question] = the_question(answer).inputs
        assert question.question == "ٹکٹ بند کریں “پرنٹر”: یہ ٹکٹ کیوں بند کی جا رہی ہے؟\nوجہ"
        scripted.play(Step(text="بند کر دی۔"))
        await colleague.chat.send(filled_in(the_question(answer), "سیاہی ڈال دی"))
        assert await reasons(colleague) == [("closed", "سیاہی ڈال دی")]

    async def test_one_card_asks_about_all_of_them(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        answer = await closing(agent, scripted, "printer", "login")
        card = the_question(answer)
        assert ["printer" in card.inputs[0].question, "login" in card.inputs[1].question] == [
            True
        ] * 2
        scripted.play(Step(text="One is closed."))
        done = await agent.chat.send(filled_in(card, "refilled"))
        assert trace(done.done(WorkflowItem)) == ["Close a ticket", "Close a ticket: did not work"]
        assert await reasons(agent) == [("closed", "refilled"), ("open", "")]

    async def test_after_a_yes(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(agent, scripted, "a", "b", "c", "d")
        words, options = asked(the_question(answer))
        assert words.startswith("Close these 4 tickets? ")
        requests = len(scripted.requests)
        answer = await agent.chat.send(answer_request(the_question(answer), options[:1]))
        assert len(scripted.requests) == requests
        card = the_question(answer)
        assert len(card.inputs) == 4
        scripted.play(Step(text="All closed."))
        await agent.chat.send(filled_in(card, "1", "2", "3", "4"))
        assert await reasons(agent) == [("closed", number) for number in "1234"]

    async def test_beside_a_question_about_deletions(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        ids = await agent.open("printer", "login", "invoice")
        scripted.play(
            Step(calls=(close(ids["printer"]), delete(ids["login"]), delete(ids["invoice"])))
        )
        answer = await agent.chat.create("close the printer, delete the others")
        [deletions] = answer.done(StructuredInputItem)
        words, options = asked(deletions)
        assert words.startswith("May these 3 things be done? ")
        answer = await agent.chat.send(answer_request(deletions, options[:1]))
        assert await agent.subjects() == ["printer"]
        scripted.play(Step(text="Done."))
        await agent.chat.send(filled_in(the_question(answer), "refilled"))
        assert await reasons(agent) == [("closed", "refilled")]

    async def test_from_a_button_of_the_list(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        await agent.open("printer")
        scripted.play(Step(calls=(tool("list_tickets"),)), Step(text="Here."))
        widget = the_widget(await agent.chat.create("show the tickets"))
        button = rows_of(widget)["printer"]["ticket.close"]
        answer = await agent.chat.send(action_request(widget.thread_id, widget.id, button))
        assert the_question(answer).inputs[0].question == WORDS
        assert effects(answer) == []
        scripted.play(Step(text="Closed."))
        done = await agent.chat.send(filled_in(the_question(answer), "refilled"))
        assert await reasons(agent) == [("closed", "refilled")]
        assert any(isinstance(frame, ClientEffectEvent) for frame in done.frames)


class TestSecrecy:
    async def test_the_state_is_between_us_and_the_server(
        self, agent: Agent, scripted: ScriptedModelServer, owner_url: str
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        [state] = states(owner_url, answer.thread_id)
        scripted.play(Step(text="Closed."))
        done = await agent.chat.send(filled_in(the_question(answer), "refilled"))
        replayed = await agent.chat.replay(answer.run_id)
        thread = await agent.chat.send(thread_request("threads.get_by_id", answer.thread_id))
        items = await agent.chat.send(thread_request("items.list", answer.thread_id, limit=100))
        for body in (answer.body, done.body, replayed.body, thread.body, items.body):
            assert state.encode() not in body
            assert b"requestState" not in body
            assert b"expires_at" not in body
        assert state not in told(scripted)
        assert "Why is this ticket closed" not in told(scripted)

    async def test_nobody_else_can_answer(
        self, agent: Agent, colleague: Agent, scripted: ScriptedModelServer
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        refused = await colleague.chat.send(filled_in(the_question(answer), "mine"))
        assert (refused.status, refused.problem["code"]) == (404, "not_found")
        assert await reasons(agent) == [("open", "")]

    async def test_a_state_of_another_user_is_good_for_nothing(
        self, agent: Agent, colleague: Agent, scripted: ScriptedModelServer, owner_url: str
    ) -> None:
        theirs = await closing(colleague, scripted, "printer")
        answer = await closing(agent, scripted, "printer")
        [state] = states(owner_url, theirs.thread_id)
        change(owner_url, answer.thread_id, ["calls", "0", "needs", "state"], state)
        scripted.play(Step(text="That did not work."))
        done = await agent.chat.send(filled_in(the_question(answer), "refilled"))
        assert trace(done.done(WorkflowItem)) == ["Close a ticket: did not work"]
        assert await reasons(agent) == [("open", "")]
        assert await reasons(colleague) == [("open", "")]

    async def test_a_card_that_was_made_for_somebody_else_is_not_known(
        self, agent: Agent, scripted: ScriptedModelServer, owner_url: str
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        change(owner_url, answer.thread_id, ["user_id"], "somebody")
        refused = await agent.chat.send(filled_in(the_question(answer), "refilled"))
        assert (refused.status, refused.problem["code"]) == (404, "not_found")
        assert await reasons(agent) == [("open", "")]


class TestOtherEnds:
    async def test_skipped(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(agent, scripted, "printer")
        scripted.play(Step(text="Then not."))
        done = await agent.chat.send(filled_in(the_question(answer), status="skipped"))
        assert trace(done.done(WorkflowItem)) == ["Close a ticket: did not work"]
        assert "The question was not answered" in told(scripted)
        assert effects(done) == []
        assert await reasons(agent) == [("open", "")]

    async def test_a_message_instead(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(agent, scripted, "printer")
        card = the_question(answer)
        scripted.play(Step(calls=(tool("list_tickets"),)), Step(text="Here."))
        done = await agent.chat.add(answer.thread_id, "leave it, show the list")
        [closed] = [
            frame.item
            for frame in done.frames
            if isinstance(frame, ThreadItemReplacedEvent)
            and isinstance(frame.item, StructuredInputItem)
        ]
        assert (closed.id, closed.status) == (card.id, "skipped")
        assert trace(done.done(WorkflowItem))[0] == "Close a ticket: did not work"
        assert the_widget(done)
        assert await saved(agent.chat, card) == closed
        late = await agent.chat.send(filled_in(card, "refilled"))
        assert (late.status, late.problem["code"]) == (409, "already_answered")
        assert await reasons(agent) == [("open", "")]

    async def test_a_stale_answer(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(agent, scripted, "printer")
        scripted.play(Step(text="Closed."))
        await agent.chat.send(filled_in(the_question(answer), "refilled"))
        again = await agent.chat.send(filled_in(the_question(answer), "another"))
        assert (again.status, again.problem["code"]) == (409, "already_answered")
        assert await reasons(agent) == [("closed", "refilled")]

    async def test_two_answers_at_once(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        answer = await closing(agent, scripted, "printer")
        scripted.play(Step(text="Closed."))
        card = the_question(answer)
        both = await asyncio.gather(
            agent.chat.send(filled_in(card, "first")), agent.chat.send(filled_in(card, "second"))
        )
        assert sorted(each.status for each in both) == [200, 409]
        [won] = [
            word for word, each in zip(("first", "second"), both, strict=True) if each.status == 200
        ]
        assert await reasons(agent) == [("closed", won)]

    async def test_an_answer_that_is_sent_again_is_given_once(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        scripted.play(Step(text="Closed."))
        request = filled_in(the_question(answer), "refilled")
        first = await agent.chat.send(request, idempotency_key="one")
        second = await agent.chat.send(request, idempotency_key="one")
        assert first.body == second.body
        assert await reasons(agent) == [("closed", "refilled")]

    async def test_too_late(
        self, agent: Agent, scripted: ScriptedModelServer, owner_url: str
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        change(owner_url, answer.thread_id, ["expires_at"], "2026-01-01T00:00:00+00:00")
        scripted.play(Step(text="Ask me again."))
        done = await agent.chat.send(filled_in(the_question(answer), "refilled"))
        [notice] = [frame for frame in done.frames if isinstance(frame, NoticeEvent)]
        assert notice.message.startswith("The answer came too late")
        assert "The question was not answered" in told(scripted)
        assert await reasons(agent) == [("open", "")]

    @pytest.mark.parametrize("words", [" ", "x" * 501])
    async def test_an_answer_that_does_not_fit_can_be_given_again(
        self, agent: Agent, scripted: ScriptedModelServer, words: str
    ) -> None:
        answer = await closing(agent, scripted, "printer")
        card = the_question(answer)
        refused = await agent.chat.send(filled_in(card, words))
        assert (refused.status, refused.problem["code"]) == (422, "invalid_answer")
        assert refused.problem["detail"] == "“Reason” has to have 1 to 500 characters."
        scripted.play(Step(text="Closed."))
        await agent.chat.send(filled_in(card, "refilled"))
        assert await reasons(agent) == [("closed", "refilled")]

    async def test_the_plain_stream_says_what_is_asked(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        ids = await agent.open("printer")
        scripted.play(Step(calls=(close(ids["printer"]),)))
        path = f"/api/{agent.chat.user_id}/chat"
        answer = await agent.chat.post({"message": "close it"}, path=path)
        events = [json.loads(line[6:]) for line in answer.body.splitlines() if line[:5] == b"data:"]
        assert {"type": "chunk", "content": WORDS} in events
        calls = [event for event in events if event.get("name") == "close_ticket"]
        assert [call["status"] for call in calls] == ["held", "held"]
        assert calls[-1]["result"]["status"] == "input_required"


def states(owner_url: str, thread_id: str) -> list[str]:
    """The servers' states behind the cards of a thread."""
    with psycopg.connect(owner_url) as connection:
        rows = connection.execute(
            "select data #>> '{content,calls,0,needs,state}' from thread_items"
            " where thread_id = %s and data #>> '{content,kind}' = 'input_required'",
            (thread_id,),
        ).fetchall()
    return [str(state) for (state,) in rows]


def change(owner_url: str, thread_id: str, path: list[str], value: str) -> None:
    """Change what is behind the card of a thread."""
    with psycopg.connect(owner_url) as connection:
        changed = connection.execute(
            "update thread_items set data = jsonb_set(data::jsonb, %s, to_jsonb(%s::text))"
            " where thread_id = %s and data #>> '{content,kind}' = 'input_required'",
            (["content", *path], value, thread_id),
        )
        assert changed.rowcount == 1
