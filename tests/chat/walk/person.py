"""A person of a walk: what they see, what they have said, and what they were told."""

from dataclasses import dataclass, field, replace
from random import Random

from chatkit.types import StructuredInputItem, ThreadItem, UserMessageItem

from sidestream.local.model.conversation import ToolRequest
from tests.chat.fold import Screen
from tests.chat.walk.desk import Desk
from tests.chat.walk.hearing import Heard, Patient


@dataclass(slots=True)
class Person:
    """`screens`, `said` (the texts of their messages, in order) and `runs` (what was heard of the
    runs that ended with a last word of their own) are by thread; `held` has the calls that wait for
    the answer to a question, by its id."""

    name: str
    client: Patient
    desk: Desk
    screens: dict[str, Screen] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, list[Heard]] = field(default_factory=dict)
    held: dict[str, list[ToolRequest]] = field(default_factory=dict)
    spent: int = 0
    """The tokens of the runs whose threads are deleted."""

    def thread(self, random: Random) -> str | None:
        """One of their threads, if there is any."""
        return random.choice(list(self.screens)) if self.screens else None

    def item[T](self, random: Random, kind: type[T], **fields: object) -> T | None:
        """One of the items of a kind that they see, with some fields, if there is any."""
        found = [
            item
            for screen in self.screens.values()
            for item in screen.items
            if isinstance(item, kind)
            and all(getattr(item, name) == value for name, value in fields.items())
        ]
        return random.choice(found) if found else None

    def replace(self, fresh: ThreadItem) -> None:
        """Have seen an item change."""
        screen = self.screens[fresh.thread_id]
        items = tuple(fresh if item.id == fresh.id else item for item in screen.items)
        self.screens[fresh.thread_id] = replace(screen, items=items)

    def forget(self, thread_id: str) -> None:
        """Have seen a thread go."""
        for known in (self.screens, self.said, self.runs):
            known.pop(thread_id, None)

    def asks(self, screen: Screen, calls: list[ToolRequest]) -> None:
        """Note what the questions are about that have come up."""
        for item in screen.items:
            if isinstance(item, StructuredInputItem) and item.status == "pending":
                self.held.setdefault(item.id, calls)


def text_of(message: UserMessageItem) -> str:
    """The words of a message."""
    return "".join(part.text for part in message.content)
