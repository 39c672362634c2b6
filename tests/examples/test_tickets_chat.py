"""The platform on a domain that is not the tasks: the guard, the card, the words, the event."""

import itertools
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from chatkit.types import (
    ClientEffectEvent,
    StructuredInputItem,
    ThreadItem,
    ThreadItemReplacedEvent,
    WidgetItem,
    WorkflowItem,
)

import examples.tickets
from sidestream.chat.services import Services
from sidestream.config import SettingsError
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from tests.chat.client import Answer, Client, Document
from tests.chat.conftest import under_uvicorn
from tests.chat.fold import Screen, comparable, fold
from tests.chat.steps import (
    action_request,
    answer_request,
    asked,
    filled_in,
    lines,
    lines_in,
    the_question,
    the_widget,
)
from tests.examples.conftest import Agent, Desk

SUBJECTS = ("printer", "login", "invoice")


def tool(name: str, **arguments: str) -> ToolRequest:
    return ToolRequest(name, arguments)


def delete(ticket_id: str) -> ToolRequest:
    return tool("delete_ticket", ticket_id=ticket_id)


def trace(items: Sequence[ThreadItem]) -> list[str | None]:
    """The titles of the lines of the tool traces among some items."""
    return [title for title, _content in lines_in(items)]


def effects(answer: Answer) -> list[str]:
    return [frame.name for frame in answer.frames if isinstance(frame, ClientEffectEvent)]


def replaced(answer: Answer) -> WidgetItem:
    """The card as an action left it."""
    [item] = [
        frame.item
        for frame in answer.frames
        if isinstance(frame, ThreadItemReplacedEvent) and isinstance(frame.item, WidgetItem)
    ]
    return item


def rows_of(item: WidgetItem) -> dict[str, dict[str, Document]]:
    """The buttons of each row of a card, by the row's subject and the action's type."""
    document = item.widget.model_dump(mode="json", exclude_none=True)
    rows = {}
    for row in document["children"]:
        if row["key"] == "empty":
            continue
        [text] = [child for child in row["children"] if child["type"] == "Text"]
        buttons = [child for child in row["children"] if child["type"] == "Button"]
        rows[text["value"]] = {
            button["onClickAction"]["type"]: {
                key: button["onClickAction"][key] for key in ("type", "payload")
            }
            for button in buttons
        }
    return rows


async def saved(client: Client, item: ThreadItem) -> ThreadItem:
    """An item as it is after a reload."""
    [found] = [each for each in await client.items(item.thread_id) if each.id == item.id]
    return found


def partitions() -> Iterator[tuple[tuple[str, ...], ...]]:
    """Every way to go about three calls: each order of them, in one step, in two and in three."""
    for order in itertools.permutations(SUBJECTS):
        yield (order,)
        yield order[:1], order[1:]
        yield order[:2], order[2:]
        yield tuple((subject,) for subject in order)


def ways() -> Iterator[tuple[tuple[tuple[str, ...], ...], str]]:
    """The same, silently and, where there is something between the steps, with words there."""
    for steps in partitions():
        yield steps, ""
        if len(steps) > 1:
            yield steps, "Now this one."


class TestGuard:
    @pytest.mark.parametrize(("steps", "words_between"), list(ways()), ids=str)
    async def test_three_deletions_ask_first_in_every_order_of_steps(
        self,
        agent: Agent,
        scripted: ScriptedModelServer,
        steps: tuple[tuple[str, ...], ...],
        words_between: str,
    ) -> None:
        ids = await agent.open(*SUBJECTS)
        for step in steps:
            calls = tuple(delete(ids[subject]) for subject in step)
            scripted.play(Step(text=words_between, calls=calls))
        scripted.play(Step(text="They are gone."))
        answer = await agent.chat.create("delete the three of them")
        while scripted.next_step() is not None:
            pass  # what the model did not come to say, because the person is asked
        # Two in one step are enough to ask. After one, the model is waited for as long as it is
        # silent; one that talks is interrupted as soon as there are two.
        meant: tuple[str, ...] = steps[0]
        if len(meant) == 1:
            meant = steps[0] + steps[1] if words_between else SUBJECTS
        words, options = asked(the_question(answer))
        assert words.startswith(f"Delete these {len(meant)} tickets? ")
        assert all(f"“{subject}”" in words for subject in meant)
        assert options == ["Delete them", "Keep them"]
        assert await agent.subjects() == list(SUBJECTS)
        assert effects(answer) == []
        question = await saved(agent.chat, the_question(answer))
        assert isinstance(question, StructuredInputItem)
        assert asked(question) == (words, options)
        done = await agent.chat.send(answer_request(question, ["Delete them"]))
        assert await agent.subjects() == [each for each in SUBJECTS if each not in meant]
        assert set(effects(done)) == {"tickets.changed"}
        assert trace(done.done(WorkflowItem)) == ["Delete a ticket"] * len(meant)
        screen = fold(done.frames, fold(answer.frames))
        reloaded = tuple(await agent.chat.items(answer.thread_id))
        assert screen.texts() == Screen(items=reloaded).texts()

    async def test_no_keeps_them(self, agent: Agent, scripted: ScriptedModelServer) -> None:
        ids = await agent.open(*SUBJECTS)
        scripted.play(Step(calls=tuple(delete(id_) for id_ in ids.values())))
        answer = await agent.chat.create("delete all")
        done = await agent.chat.send(answer_request(the_question(answer), ["Keep them"]))
        assert await agent.subjects() == list(SUBJECTS)
        assert effects(done) == []

    async def test_one_deletion_that_is_clear_asks_nothing(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        ids = await agent.open(*SUBJECTS)
        scripted.play(Step(calls=(delete(ids["login"]),)), Step(text="It is gone."))
        answer = await agent.chat.create("delete the login ticket")
        assert answer.done(StructuredInputItem) == []
        assert await agent.subjects() == ["printer", "invoice"]
        assert effects(answer) == ["tickets.changed"]

    async def test_each_tool_has_a_number_of_its_own(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        ids = await agent.open("a", "b", "c", "d")
        closes = [tool("close_ticket", ticket_id=id_, reason="settled") for id_ in ids.values()]
        scripted.play(Step(calls=tuple(closes[:3])), Step(text="Closed."))
        answer = await agent.chat.create("close a, b and c")
        assert answer.done(StructuredInputItem) == []
        assert await agent.subjects(status="closed") == ["a", "b", "c"]
        scripted.play(Step(calls=tuple(closes)))
        words, _ = asked(the_question(await agent.chat.create("close them all")))
        assert words.startswith("Close these 4 tickets? ")
        assert await agent.subjects(status="open") == ["d"]


class TestCard:
    async def listed(self, agent: Agent, scripted: ScriptedModelServer) -> WidgetItem:
        scripted.play(Step(calls=(tool("list_tickets"),)), Step(text="Here they are."))
        answer = await agent.chat.create("show the tickets")
        assert answer.text == "Here they are."
        return the_widget(answer)

    async def test_a_list_is_shown_and_lasts(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        await agent.open("printer", priority="high")
        ids = await agent.open("login")
        widget = await self.listed(agent, scripted)
        rows = rows_of(widget)
        assert list(rows) == ["login", "printer"]
        assert set(rows["login"]) == {"ticket.urgent", "ticket.close", "ticket.delete"}
        assert rows["login"]["ticket.close"]["payload"] == {
            "ticket_id": ids["login"],
            "title": "login",
            "status": "open",
            "priority": "normal",
        }
        assert widget.model_dump_json().count("Urgent") == 1
        assert (widget.copy_text or "").splitlines() == ["[open] login", "[open] printer"]
        reloaded = await saved(agent.chat, widget)
        assert comparable(reloaded) == comparable(widget)

    async def test_actions_of_a_row_do_what_they_say_and_last(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        await agent.open("printer", "login")
        widget = await self.listed(agent, scripted)
        close = rows_of(widget)["login"]["ticket.close"]
        answer = await agent.chat.send(action_request(widget.thread_id, widget.id, close))
        assert effects(answer) == []
        assert comparable(replaced(answer)) == comparable(widget)
        scripted.play(Step(text="It is closed."))
        done = await agent.chat.send(filled_in(the_question(answer), "solved"))
        assert effects(done) == ["tickets.changed"]
        assert await agent.subjects(status="closed") == ["login"]
        assert set(rows_of(replaced(done))["login"]) == {"ticket.urgent", "ticket.delete"}
        remove = rows_of(replaced(done))["printer"]["ticket.delete"]
        done = await agent.chat.send(action_request(widget.thread_id, widget.id, remove))
        assert effects(done) == ["tickets.changed"]
        assert list(rows_of(replaced(done))) == ["login"]
        assert await agent.subjects() == ["login"]
        reloaded = await saved(agent.chat, widget)
        assert comparable(reloaded) == comparable(replaced(done))

    async def test_a_row_of_somebody_else_cannot_be_acted_on(
        self, agent: Agent, colleague: Agent, scripted: ScriptedModelServer
    ) -> None:
        await agent.open("printer")
        widget = await self.listed(agent, scripted)
        remove = rows_of(widget)["printer"]["ticket.delete"]
        refused = await colleague.chat.send(action_request(widget.thread_id, widget.id, remove))
        assert (refused.status, refused.problem["code"]) == (404, "not_found")
        assert await agent.subjects() == ["printer"]


class TestWords:
    async def test_in_urdu_and_after_a_reload(
        self, colleague: Agent, scripted: ScriptedModelServer
    ) -> None:
        ids = await colleague.open("پرنٹر", "لاگ ان")
        scripted.play(Step(calls=(tool("list_tickets"),)), Step(text="یہ رہیں۔"))
        answer = await colleague.chat.create("ٹکٹیں دکھاؤ")
        assert trace(answer.done(WorkflowItem)) == ["ٹکٹیں دیکھیں"]
        card = the_widget(answer)
        assert "حذف کریں" in card.model_dump_json()
        scripted.play(Step(calls=tuple(delete(id_) for id_ in ids.values())))
        answer = await colleague.chat.create("دونوں حذف کر دو")
        words, options = asked(the_question(answer))
        assert words.startswith("کیا یہ 2 ٹکٹیں حذف کر دی جائیں؟")
        assert options == ["حذف کر دیں", "رہنے دیں"]
        reloaded = await colleague.chat.items(answer.thread_id)
        assert all("ٹکٹ حذف کریں" in (line or "") for line in trace(reloaded))
        question = await saved(colleague.chat, the_question(answer))
        await colleague.chat.send(answer_request(the_question(answer), options[:1]))
        assert isinstance(question, StructuredInputItem)
        assert asked(question) == (words, options)
        assert await colleague.tickets() == []

    async def test_a_trace_counts_in_the_domains_words(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        await agent.open("a", "b")
        scripted.play(Step(calls=(tool("list_tickets"),)), Step(text="Two."))
        answer = await agent.chat.create("how many?")
        assert lines(answer) == [("Look at the tickets", "2 tickets")]

    async def test_the_model_is_told_of_tickets_and_of_nothing_else(
        self, agent: Agent, scripted: ScriptedModelServer
    ) -> None:
        scripted.play(Step(text="Hello."))
        await agent.chat.create("hello")
        body = scripted.requests[-1].body
        told = json.dumps([body.get("instructions"), body["tools"]])
        assert "help desk" in told
        assert "add_ticket" in told
        assert "task" not in told


class TestCopies:
    """Packs as somebody else might write them, from a copy of this one."""

    @pytest.fixture
    def copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        folder = tmp_path / "copied_tickets"
        shutil.copytree(Path(examples.tickets.__file__).parent, folder)
        monkeypatch.syspath_prepend(str(tmp_path))
        yield folder
        for name in [name for name in sys.modules if name.startswith("copied_tickets")]:
            del sys.modules[name]

    @staticmethod
    def change(folder: Path, old: str, new: str) -> None:
        pack = folder / "pack.py"
        source = pack.read_text(encoding="utf-8")
        assert source.count(old) == 1
        pack.write_text(source.replace(old, new), encoding="utf-8")

    @pytest.mark.parametrize("forgotten", ["the policy", "the tool"])
    async def test_a_destructive_tool_without_a_policy_asks(
        self,
        agent: Agent,
        desk: Desk,
        copy: Path,
        scripted: ScriptedModelServer,
        forgotten: str,
    ) -> None:
        if forgotten == "the policy":
            self.change(copy, "            ask=Ask.OVER(1),\n", "")
        else:
            with (copy / "pack.py").open("a", encoding="utf-8") as pack:
                pack.write("\ndel DOMAIN.tools['delete_ticket']\n")
        ids = await agent.open("printer")
        settings = desk.settings.model_copy(update={"domain": "copied_tickets"})
        scripted.play(Step(calls=(delete(ids["printer"]),)))
        async with (
            under_uvicorn(settings) as chat,
            Client(chat.url, agent.chat.token) as client,
        ):
            answer = await client.create("delete the printer ticket")
            words, options = asked(the_question(answer))
            assert "printer" in words or "Delete a ticket" in words
            assert await agent.subjects() == ["printer"]
            await client.send(answer_request(the_question(answer), options[:1]))
        assert await agent.tickets() == []

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            ('        "add_ticket": Tool(', '        "open_ticket": Tool(', "open_ticket"),
            ('RowAction("close_ticket"', 'RowAction("shut_ticket"', "shut_ticket"),
            ('search="search_tickets"', 'search="find_tickets"', "find_tickets"),
            ('_TARGET: Final = "ticket_id"', '_TARGET: Final = "id"', "no argument id"),
        ],
    )
    async def test_a_pack_that_does_not_fit_stops_the_start_with_a_sentence(
        self, desk: Desk, copy: Path, old: str, new: str, sentence: str
    ) -> None:
        self.change(copy, old, new)
        with pytest.raises(SettingsError) as raised:
            Services(desk.settings.model_copy(update={"domain": "copied_tickets"}))
        said = str(raised.value)
        assert said.startswith("The pack of the domain tickets does not fit its tools: ")
        assert sentence in said
        assert said.count("\n") == 0
