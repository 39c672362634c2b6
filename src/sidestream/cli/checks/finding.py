"""What a check finds, and how checks are run: side by side, each with a limit, none in another's
way. What they say never comes from an error's own text, which may quote an address with its
password."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sidestream.network import UnusableProxy

_LIMIT_S: Final = 20.0


class State(StrEnum):
    """How a check ended. Only `FAILED` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    UNCHECKED = "unchecked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """How it stands, and in one sentence what was seen or what to do."""

    state: State
    sentence: str


def ok(sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(State.OK, sentence)


def unchecked(sentence: str) -> Finding:
    """It could not be looked at; the sentence says what that needs."""
    return Finding(State.UNCHECKED, sentence)


def warning(sentence: str) -> Finding:
    """It works, and there is something to do."""
    return Finding(State.WARNING, sentence)


def failed(sentence: str) -> Finding:
    """It does not work."""
    return Finding(State.FAILED, sentence)


class Broken(Exception):
    """A check cannot go on, because something does not work. The text is its finding's sentence."""


class Unchecked(Exception):
    """A check cannot begin. The text is its finding's sentence."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: its name, what finds out, and how long that may take. One that is
    `alone` measures time, and comes after the others."""

    name: str
    find: Callable[[], Awaitable[Finding]]
    limit_s: float = _LIMIT_S
    alone: bool = False


async def findings(checks: Sequence[Check]) -> AsyncIterator[tuple[str, Finding]]:
    """Run checks side by side, then those that have to be alone. Gives each one's name and finding
    in that order."""
    together = [check for check in checks if not check.alone]
    running = [asyncio.create_task(_run(check)) for check in together]
    try:
        for check, task in zip(together, running, strict=True):
            yield check.name, await task
    finally:
        for task in running:
            task.cancel()
    for check in checks:
        if check.alone:
            yield check.name, await _run(check)


async def _run(check: Check) -> Finding:
    try:
        async with asyncio.timeout(check.limit_s):
            return await check.find()
    except (Broken, UnusableProxy) as broken:
        return failed(str(broken))
    except Unchecked as lacking:
        return unchecked(str(lacking))
    except TimeoutError:
        return failed(f"Nothing came of it within {check.limit_s:.0f} s; look at the network.")
    except Exception as error:
        return failed(f"The check itself failed ({type(error).__name__}); please report it.")
