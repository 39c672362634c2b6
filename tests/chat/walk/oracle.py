"""The oracle: what has to hold when a run is over, whatever broke.

- What the client heard, folded, is what is there. Of a run that could not be saved to its end, all
  that the client saw finished is there.
- Each message that was accepted is there once, in its order.
- Each effect that was told has happened once, and nothing happened that nobody asked for.
- An answer that met no fault has no error, and no error is one that nobody foresaw.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from chatkit.types import (
    AssistantMessageItem,
    EntitySource,
    StructuredInputItem,
    Thread,
    ThreadItem,
    UserMessageItem,
    WorkflowItem,
)

from sidestream.chat.failures import UNEXPECTED
from sidestream.chat.incomplete import FIELD
from sidestream.chat.tools.trace import waits
from sidestream.local.model.conversation import ToolRequest
from sidestream.local.system import LocalSystem
from tests.chat.conftest import Rows
from tests.chat.fold import Screen, comparable, fold
from tests.chat.walk.desk import Desk, told
from tests.chat.walk.hearing import Heard, comparable_events
from tests.chat.walk.person import Person, text_of
from tests.chat.walk.plan import Fault
from tests.chat.walk.scene import Scene

_UNSAVED: Final = {"lease_expired", "lost", "database_unavailable", "outcome_unknown"}
"""How a run has failed that could not be saved to its end."""
_PAGE: Final = 100
_SPENT: Final = """
    select coalesce(sum(input_tokens + output_tokens), 0)::int as tokens from runs
    where user_id = %s
"""
_COUNTED: Final = """
    select coalesce(sum(tokens), 0)::int as tokens from usage_days where user_id = %s
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run may do: `wanted` are the calls that it may have made, once each; `said` has what
    the person may have said in the thread afterwards, first of all what it is when the run was
    completed; `touched` are the items that it may have changed or taken away."""

    wanted: Sequence[ToolRequest]
    said: tuple[list[str], ...]
    touched: Set[str] = frozenset()
    ended: str = "completed"
    """How it ends where nothing breaks."""


class Oracle:
    """Judges what people see. `rows` queries the database as the owner of its tables."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def settle(
        self, person: Person, scene: Scene, fault: Fault | None, judged: Judged
    ) -> None:
        """Judge a request and its run, and take over what the person sees now."""
        heard = scene.heard
        assert heard.refused is None, heard.refused
        if fault is None:
            assert not heard.errors, heard.errors
            assert heard.status == judged.ended, heard.status
        for each in filter(None, (heard, scene.second)):
            assert all(error.message for error in each.errors), each.errors
            assert all(error.message != UNEXPECTED.message for error in each.errors), each.errors
        assert bool(heard.errors) == (heard.status in ("failed", "overtaken")), heard.status
        thread_id = heard.thread_id
        before = person.screens.get(thread_id, Screen())
        saved = await self._saved(heard.run_id)
        items = await person.client.items(thread_id, limit=_PAGE)
        thread = await person.client.get(thread_id)
        screen = fold(heard.frames, before)
        if not (saved and scene.second is None):
            # What was not saved is gone; all that was is in the events, which say so.
            # A message takes the place of the answer to a question that waits.
            touched = judged.touched | {item.id for item in before.items if _waits(item)}
            # A call that waited when the lease was lost was called off; only the events say so.
            called_off = {item.id for item in screen.items if _has_calls_that_wait(item)}
            check_kept(before, _then(screen, scene.second), items, touched | called_off)
            heard = Heard(run_id=heard.run_id, thread_id=thread_id)
            await person.client.follow(heard)
            screen = _brought_up(fold(heard.frames, before), items, touched)
        check_marks(before, screen.items, heard.status)
        screen = _then(screen, scene.second)
        assert not screen.unfinished, screen.unfinished
        person.screens[thread_id] = screen
        person.runs.setdefault(thread_id, []).append(heard)
        person.asks(person.screens[thread_id], list(judged.wanted))
        more = ["hello"] if scene.second is not None else []
        allowed = judged.said[:1] if heard.status == judged.ended else judged.said
        said = [text_of(item) for item in items if isinstance(item, UserMessageItem)]
        assert said in [[*each, *more] for each in allowed], said
        person.said[thread_id] = said
        _check_thread(person, thread, items)
        done = told(before.items, items)
        await self.check_desk(person, scene.cloud.system, judged.wanted, done)

    async def check_desk(
        self,
        person: Person,
        system: LocalSystem,
        wanted: Sequence[ToolRequest],
        done: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """What became of a person's tickets is what was wanted, and what was told."""
        desk = await Desk.of(system, person.client)
        person.desk.check(desk, wanted, done)
        person.desk = desk

    async def _saved(self, run_id: str) -> bool:
        """Whether a run was saved to its end."""
        [run] = await self._rows("select status, error from runs where id = %s", run_id)
        code = (run["error"] or {"code": "lease_expired"})["code"]
        return bool(run["status"] in ("completed", "stopped") or code not in _UNSAVED)

    async def check_thread(self, person: Person, thread_id: str) -> None:
        """What a person sees of a thread is what is there."""
        client = person.client
        _check_thread(
            person, await client.get(thread_id), await client.items(thread_id, limit=_PAGE)
        )

    async def check_person(self, person: Person) -> None:
        """All of a person's threads are there and no others, nothing runs, and what was spent is
        what was counted."""
        assert {thread.id for thread in await person.client.threads()} == set(person.screens)
        for thread_id in person.screens:
            await self.check_thread(person, thread_id)
        assert await self.counted(person) == person.spent + await self.spent(person)

    async def counted(self, person: Person) -> int:
        """The tokens that are counted for a person."""
        [counted] = await self._rows(_COUNTED, person.client.user_id)
        return int(counted["tokens"])

    async def spent(self, person: Person) -> int:
        """The tokens of all runs of a person whose threads are there."""
        [spent] = await self._rows(_SPENT, person.client.user_id)
        return int(spent["tokens"])

    async def check_feedback(self, item: ThreadItem, kind: str) -> None:
        """What was last said of an answer is kept, once."""
        query = "select kind from feedback where thread_id = %s and item_id = %s"
        assert await self._rows(query, item.thread_id, item.id) == [{"kind": kind}]

    async def check_replay(self, person: Person, heard: Heard, after: int) -> None:
        """A run that is read again, after any event, is what was heard of it. Of one that died, who
        has heard more than it had saved hears again how it was settled, and sees the same."""
        again = Heard(run_id=heard.run_id, thread_id=heard.thread_id, frames=heard.frames[:after])
        await person.client.take_up(again)
        assert again.ended
        [run] = await self._rows("select kept_event from runs where id = %s", heard.run_id)
        if run["kept_event"] is None or after <= run["kept_event"]:
            same("the events", comparable_events(again.frames), comparable_events(heard.frames))
            return
        same("the items", fold(again.frames).texts(), fold(heard.frames).texts())


def _then(screen: Screen, second: Heard | None) -> Screen:
    """What is seen when a second run has followed."""
    return fold(second.frames, screen) if second is not None else screen


def _waits(item: ThreadItem) -> bool:
    return isinstance(item, StructuredInputItem) and item.status == "pending"


def _has_calls_that_wait(item: ThreadItem) -> bool:
    return isinstance(item, WorkflowItem) and waits(item)


def _brought_up(screen: Screen, items: Sequence[ThreadItem], touched: Set[str]) -> Screen:
    """What is seen when what a lost run may have changed is looked at again: it may have been
    changed before the run could tell."""
    there = {item.id: item for item in items}
    return replace(
        screen,
        items=tuple(
            there.get(item.id, item) if item.id in touched else item
            for item in screen.items
            if item.id in there or item.id not in touched
        ),
    )


def _check_thread(person: Person, thread: Thread, items: Sequence[ThreadItem]) -> None:
    screen = person.screens[thread.id]
    seen = screen.texts()
    same("the items", [comparable(item) for item in items], seen)
    first = thread.items.data
    same("the first page", [comparable(item) for item in first], seen[: len(first)])
    assert thread.items.has_more or len(first) == len(seen)
    assert thread.title == screen.title
    assert len({item.id for item in items}) == len(items)
    assert {item.thread_id for item in items} <= {thread.id}
    messages = [text_of(item) for item in items if isinstance(item, UserMessageItem)]
    assert messages == person.said[thread.id]


def check_kept(
    before: Screen, screen: Screen, items: Sequence[ThreadItem], touched: Set[str]
) -> None:
    """Everything that was seen finished is there, in its order, but for what may have changed."""
    there = {item.id: comparable(item) for item in items}
    order = list(there)
    finished = [item for item in screen.items if item.id not in screen.unfinished]
    kept = [item for item in finished if item.id not in touched]
    for item in kept:
        assert item.id in there, f"{item.type} {item.id} is lost"
        assert there[item.id] == comparable(item), f"{item.type} {item.id} has changed"
    places = [order.index(item.id) for item in kept]
    assert places == sorted(places), (
        f"the order has changed: {[(item.type, item.id) for item in kept]}, there: {order}"
    )
    old = [order.index(item.id) for item in before.items if item.id in there]
    new = [place for place in range(len(order)) if place not in old]
    assert not old or not new or max(old) < min(new), "something has come in between"


def check_marks(before: Screen, items: Sequence[ThreadItem], status: str) -> None:
    """An answer that broke off says so in its last message, and one that is whole does not."""
    known = {item.id for item in before.items}
    new = [item for item in items if item.id not in known]
    marks = [_mark(item) for item in new if isinstance(item, AssistantMessageItem)]
    if status == "completed":
        assert not any(marks), marks
    elif new and isinstance(new[-1], AssistantMessageItem):
        assert marks[-1], new[-1]
        assert not any(marks[:-1]), marks


def _mark(message: AssistantMessageItem) -> str | None:
    """Why a message is not whole, if it is not."""
    sources = [note.source for part in message.content for note in part.annotations]
    found = [each for each in sources if isinstance(each, EntitySource) and each.id == FIELD]
    return str(found[0].data[FIELD]) if found else None


def same(what: str, there: Sequence[str], seen: Sequence[str]) -> None:
    """Raise `AssertionError` that tells the first difference, if there is one."""
    for number, (one, other) in enumerate(zip_longest(there, seen)):
        assert one == other, f"{what} differ at {number}:\n    there: {one}\n    seen:  {other}"
