"""What people say in a walk: messages of every kind, about the tickets as they are."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from sidestream.store.ids import new_id
from tests.tickets import (
    CHANGED,
    LIST,
    LISTED,
    SHOW,
    call,
    change,
    delete_all,
    open_all,
    opening,
    script,
)

STORY: Final = "tell me a 30 word story"
_NOTHING: Final = "tck_" + "0" * 32
_MANY: Final = 40

type Say = Callable[[Sequence[str]], str]


def _subject() -> str:
    """A subject that no other ticket has."""
    return f"printer {new_id('n')}"


_WITHOUT_CALLS: Final[tuple[Say, ...]] = (
    lambda _: "hello",
    lambda _: "tell me a 20 word story",
    lambda _: "سلام",
)
_WITH_CALLS: Final[tuple[Say, ...]] = (
    lambda _: open_all(_subject()),
    lambda _: open_all(_subject(), _subject(), _subject()),
    lambda _: script(opening(_subject()), LIST, answer=LISTED),
    lambda _: open_all(_subject(), answer="ٹکٹ کھول دی۔"),
    lambda _: SHOW,
    lambda ids: change(ids[0], status="pending"),
    lambda ids: script(
        [call("update_ticket", ticket_id=ids[0], priority="high"), *opening(_subject())],
        answer=CHANGED,
    ),
    lambda ids: delete_all(ids[0]),
)
_QUESTIONS: Final[tuple[Say, ...]] = (
    lambda ids: delete_all(*ids[:3]),
    lambda ids: script([call("close_ticket", ticket_id=ids[0])], answer="That is closed now."),
)


def message(random: Random, ids: Sequence[str], *, calls: bool | None = None) -> str:
    """Something to say, with calls of tools or without if that matters."""
    if len(ids) > _MANY:
        return delete_all(random.choice(ids))
    kinds = [*(_WITH_CALLS + _QUESTIONS if calls is not False else ())]
    kinds += _WITHOUT_CALLS if calls is not True else ()
    return random.choice(kinds)(_shuffled(random, ids))


def two_tickets() -> str:
    """Something that opens two tickets."""
    return open_all(_subject(), _subject())


def question(random: Random, ids: Sequence[str]) -> str:
    """Something to which the person is asked back."""
    return random.choice(_QUESTIONS)(_shuffled(random, ids))


def _shuffled(random: Random, ids: Sequence[str]) -> Sequence[str]:
    return random.sample(ids, len(ids)) or [_NOTHING]
