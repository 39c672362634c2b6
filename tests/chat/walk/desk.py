"""A desk: the tickets of a person as they are, and what a run may have done to them.

What a message asks for is a script that the model follows to the letter, so it is known which
effects a run may have: each at most once, and each that the trace calls done exactly once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chatkit.types import CustomTask, ThreadItem, WorkflowItem

from sidestream.local.model import calls
from sidestream.local.model.conversation import ToolRequest
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, Document
from tests.tickets import tickets_of

ADDED: Final = "Open a ticket"
CHANGED: Final = "Change a ticket"
CLOSED: Final = "Close a ticket"
DELETED: Final = "Delete a ticket"
_TITLES: Final = {
    "add_ticket": ADDED,
    "update_ticket": CHANGED,
    "close_ticket": CLOSED,
    "delete_ticket": DELETED,
}


def requests_in(text: str) -> list[ToolRequest]:
    """The calls that a message has the model make."""
    script = calls.read(text)
    return [request for step in script.steps for request in step] if script else []


def told(before: Iterable[ThreadItem], after: Iterable[ThreadItem]) -> Counter[str]:
    """How many effects of each kind the traces of a thread call done that they did not before."""
    known = {item.id: _done(item) for item in before}
    return sum(
        (_done(item) - known.get(item.id, Counter()) for item in after), start=Counter[str]()
    )


def _done(item: ThreadItem) -> Counter[str]:
    tasks = item.workflow.tasks if isinstance(item, WorkflowItem) else []
    titles = (task.title or "" for task in tasks if isinstance(task, CustomTask))
    return Counter(title for title in titles if title in _TITLES.values())


@dataclass(frozen=True, slots=True)
class Desk:
    """A person's tickets by id, at one time."""

    tickets: Mapping[str, Document]

    @classmethod
    async def of(cls, system: LocalSystem, person: Client) -> "Desk":
        """Look at the tickets, by a way that no fault touches."""
        return cls({ticket["id"]: ticket for ticket in await tickets_of(system, person)})

    def check(self, after: "Desk", wanted: Sequence[ToolRequest], done: Mapping[str, int]) -> None:
        """Check what became of the tickets: `wanted` may have been done, once each, `done` was."""
        tries = {
            title: [each for each in wanted if _TITLES.get(each.name) == title]
            for title in _TITLES.values()
        }
        wanted_subjects = {each.arguments["subject"] for each in tries[ADDED]}
        subjects = Counter(ticket["subject"] for ticket in after.tickets.values())
        doubled = [subject for subject, count in subjects.items() if count > 1]
        assert not doubled, f"tickets that were opened twice: {doubled}"
        new = {t["subject"] for key, t in after.tickets.items() if key not in self.tickets}
        assert new <= wanted_subjects, f"tickets that nobody opened: {new - wanted_subjects}"
        there = wanted_subjects & subjects.keys()
        assert len(there) >= done.get(ADDED, 0), "an opened ticket is not there"
        gone = self.tickets.keys() - after.tickets.keys()
        meant = {each.arguments["ticket_id"] for each in tries[DELETED]}
        assert gone <= meant, f"tickets that nobody deleted are gone: {gone - meant}"
        assert len(gone) >= done.get(DELETED, 0), "a deleted ticket is there"
        changed = {
            key: _differences(ticket, after.tickets[key])
            for key, ticket in self.tickets.items()
            if key in after.tickets and ticket != after.tickets[key]
        }
        may_change = [*tries[CHANGED], *tries[CLOSED]]
        for key, fields in changed.items():
            fitting = [each for each in may_change if each.arguments["ticket_id"] == key]
            assert fitting, f"ticket {key} was changed by nobody: {fields}"
            allowed = {"updated_at"}.union(*(_fields(each) for each in fitting))
            assert fields.keys() <= allowed, f"ticket {key}: {fields}"


def _fields(request: ToolRequest) -> set[str]:
    if request.name == "close_ticket":
        return {"status", "close_reason"}
    return {"close_reason", *request.arguments}


def _differences(before: Document, after: Document) -> dict[str, Any]:
    return {name: after[name] for name in before if before[name] != after[name]}
