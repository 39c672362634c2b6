"""A walk: its chapters, played by some walkers at once, and what came of it."""

import asyncio
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.conftest import Rows
from tests.chat.walk.cloud import Cloud, cloud
from tests.chat.walk.desk import Desk
from tests.chat.walk.hearing import Patient
from tests.chat.walk.oracle import Oracle
from tests.chat.walk.person import Person
from tests.chat.walk.plan import Act, Chapter, Fault, Step
from tests.chat.walk.steps import Stage
from tests.chat.walk.visits import DOINGS

_PEOPLE: Final = ("ann", "ben")
_TRIES: Final = 8
_TRAIL: Final = 8
_FRAMES: Final = 4


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that did not hold: where, after which steps, and what."""

    chapter: int
    step: int
    trail: tuple[str, ...]
    error: str

    def __str__(self) -> str:
        trail = "".join(f"\n    {line}" for line in self.trail)
        return f"chapter {self.chapter}, step {self.step}:{trail}\n  {self.error}"


@dataclass(slots=True)
class Outcome:
    """What came of a walk."""

    acts: Counter[Act] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def steps(self) -> int:
        """The steps that were taken."""
        return self.acts.total()

    def table(self) -> str:
        """The counts, for people."""
        rows = [("steps", self.steps), *((f"  {act}", self.acts[act]) for act in Act)]
        rows += [("faults", self.faults.total())]
        rows += [(f"  {fault}", self.faults[fault]) for fault in Fault]
        rows += [
            ("violations", len(self.violations)),
            ("seconds", round(time.monotonic() - self.began)),
        ]
        return "\n".join(f"{name:<26}{count:>8}" for name, count in rows)


class Walk:
    """Plays chapters, and adds to an outcome what comes of each, of which `on_chapter` then hears.
    `rows` queries the database as the owner of its tables."""

    def __init__(
        self,
        system: LocalSystem,
        rows: Rows,
        outcome: Outcome,
        on_chapter: Callable[[], object] = lambda: None,
    ) -> None:
        self._system = system
        self._oracle = Oracle(rows)
        self._outcome = outcome
        self._on_chapter = on_chapter

    async def play(self, chapters: list[Chapter], *, walkers: int) -> None:
        """Play all chapters, so many at once, each walker in a cloud of its own."""
        waiting = deque(chapters)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(walkers, len(chapters))):
                group.create_task(self._walk(waiting))

    async def _walk(self, waiting: deque[Chapter]) -> None:
        async with cloud(self._system) as surroundings:
            while waiting:
                await self._chapter(surroundings, waiting.popleft())
                self._on_chapter()

    async def _chapter(self, surroundings: Cloud, chapter: Chapter) -> None:
        """Play a chapter; after a violation the rest of it, by other people."""
        random = Random(chapter.seed)  # noqa: S311
        waiting = deque(enumerate(chapter.steps, 1))
        while waiting:
            async with AsyncExitStack() as stack:
                ann, ben = [await self._person(name, surroundings, stack) for name in _PEOPLE]
                stage = Stage(surroundings, self._oracle, random, (ann, ben))
                number = 0
                try:
                    while waiting:
                        number, step = waiting.popleft()
                        stage.trail.append(f"{number}: {step.act}, {step.fault or 'no fault'}")
                        await self._step(stage, step)
                    for person in stage.people:
                        await self._oracle.check_person(person)
                except Exception as error:
                    trail = tuple(stage.trail[-_TRAIL:])
                    violation = Violation(chapter.number, number, trail, _told(error))
                    self._outcome.violations.append(violation)
                finally:
                    self._outcome.acts.update(stage.taken)

    async def _step(self, stage: Stage, step: Step) -> None:
        """Take a step, again and again until its fault has happened in it."""
        for _ in range(_TRIES):
            person = stage.random.choice(stage.people)
            happened = await DOINGS[step.act](stage, person, step.fault)
            if step.fault is None:
                return
            if happened:
                self._outcome.faults[step.fault] += 1
                return
        raise AssertionError(f"the fault would not happen: {step.fault}")

    async def _person(self, name: str, surroundings: Cloud, stack: AsyncExitStack) -> Person:
        client = await stack.enter_async_context(
            Patient(surroundings.chat.url, self._system.token(new_id("user")))
        )
        return Person(name, client, await Desk.of(self._system, client))


def _told(error: Exception) -> str:
    """An error, with where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = "".join(
        f"\n    {Path(each.filename).name}:{each.lineno} {each.line}" for each in frames[-_FRAMES:]
    )
    return f"{type(error).__name__}: {error}{where}"
