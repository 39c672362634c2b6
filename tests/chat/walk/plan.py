"""The plan of a walk: which steps are taken, and which faults they meet, from a seed."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Act(StrEnum):
    """What a person does."""

    SAY = "say"
    RETRY = "retry"
    STOP = "stop"
    FOLLOW = "follow"
    """Leave in mid-answer, and come back to any event of it."""
    REPLAY = "replay"
    """Read again what an answer streamed, from any event."""
    RELOAD = "reload"
    WIDGET = "widget action"
    ANSWER = "answer a question"
    ATTACH = "attachment"
    FEEDBACK = "feedback"
    RENAME = "rename"
    DELETE = "delete"
    """Delete a thread, also in mid-answer."""
    SECOND_TAB = "second tab"
    MEDDLE = "stranger"
    """Somebody else tries all that could touch a thread which is not theirs."""


class Fault(StrEnum):
    """What breaks meanwhile."""

    KILL = "function killed"
    FREEZE = "function frozen"
    LEASE = "lease lost"
    """Frozen for longer than its lease, while the person writes on elsewhere."""
    OUTAGE = "database away"
    LONG_OUTAGE = "database away for long"
    BLACK_HOLE = "database silent"
    DATABASE_CUT = "database cut"
    """In the middle of a message."""
    DROP = "client drops"
    TWICE = "sent twice"
    """The acknowledgement was lost, so the same request is sent again."""
    MODEL_CUT = "model cut"
    MODEL_ERROR = "model error"
    MODEL_GARBAGE = "model garbage"
    TOOLS_AWAY = "tools away"
    TOOLS_CUT = "tools cut"
    TOOLS_KILL = "tools killed"


WITH_MODEL: Final = (Act.SAY, Act.SAY, Act.RETRY, Act.ANSWER)
WITH_TOOLS: Final = (Act.SAY, Act.SAY, Act.WIDGET, Act.ANSWER)
STREAMED: Final = (*WITH_MODEL, Act.WIDGET)
_HOSTS: Final = {
    Fault.LEASE: (Act.SAY, Act.RETRY),
    Fault.MODEL_CUT: (Act.SAY, Act.RETRY),
    Fault.MODEL_ERROR: (Act.SAY, Act.RETRY),
    Fault.MODEL_GARBAGE: (Act.SAY, Act.RETRY),
    Fault.TOOLS_AWAY: WITH_TOOLS,
    Fault.TOOLS_CUT: WITH_TOOLS,
    Fault.TOOLS_KILL: WITH_TOOLS,
}
LEAST: Final = 10
"""How often each kind comes at least."""
_FAULT_SHARE: Final = 0.02
_CHAPTER: Final = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One step, with the fault that it meets, if it does."""

    act: Act
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Steps that are taken one after another by people of their own."""

    number: int
    seed: str
    steps: tuple[Step, ...]


def chapters(steps: int, seed: int) -> list[Chapter]:
    """Plan a walk of so many steps: each fault ten times or for every fiftieth step, and what is
    left for the acts in turn, ten of each at least."""
    random = Random(f"{seed}/{steps}")  # noqa: S311
    each = max(LEAST, round(steps * _FAULT_SHARE))
    deck = [
        Step(random.choice(_HOSTS.get(fault, STREAMED)), fault)
        for fault in Fault
        for _ in range(each)
    ]
    plain = max(steps - len(deck), LEAST * len(Act))
    acts = list(Act) * (plain // len(Act) + 1)
    deck += [Step(act) for act in acts[:plain]]
    random.shuffle(deck)
    cuts = [deck[at : at + _CHAPTER] for at in range(0, len(deck), _CHAPTER)]
    return [
        Chapter(number, f"{seed}/{steps}/{number}", tuple(cut))
        for number, cut in enumerate(cuts, 1)
    ]
