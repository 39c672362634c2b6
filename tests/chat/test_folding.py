"""Folding: what a client saw is what is there.

Random conversations of two people with the real function, Postgres, model and tools, all of which
fail meanwhile. After every step the frames that the client received, folded, are what
`threads.get_by_id` and the pages of `items.list` give; nothing is lost and nothing is doubled.
"""

import os
from collections import Counter
from random import SystemRandom

import pytest

from sidestream.local.system import LocalSystem
from tests.chat.conftest import Rows
from tests.chat.walk.plan import LEAST, Act, Fault, chapters
from tests.chat.walk.walk import Outcome, Walk

STEPS = 500
WALKERS = 4


@pytest.mark.slow
async def test_what_a_client_saw_is_what_is_there(system: LocalSystem, rows: Rows) -> None:
    seed = 1 if "CI" in os.environ else SystemRandom().randrange(10**6)
    outcome = Outcome()
    await Walk(system, rows, outcome).play(chapters(STEPS, seed), walkers=WALKERS)
    told = "\n".join(str(violation) for violation in outcome.violations)
    assert not outcome.violations, f"make soak STEPS={STEPS} SEED={seed} walks it again\n{told}"
    assert outcome.steps >= STEPS
    assert {act for act in Act if outcome.acts[act] < LEAST} == set()
    assert {fault for fault in Fault if outcome.faults[fault] < LEAST} == set()


@pytest.mark.parametrize("steps", [1, STEPS, 10_000])
def test_each_kind_of_step_and_of_fault_is_planned(steps: int) -> None:
    planned = [step for chapter in chapters(steps, seed=1) for step in chapter.steps]
    assert len(planned) >= steps
    faults = Counter(step.fault for step in planned)
    acts = Counter(step.act for step in planned if step.fault is None)
    assert min(faults[fault] for fault in Fault) >= max(LEAST, steps // 50)
    assert min(acts[act] for act in Act) >= LEAST


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    assert chapters(STEPS, seed=1) == chapters(STEPS, seed=1)
    assert chapters(STEPS, seed=1) != chapters(STEPS, seed=2)
