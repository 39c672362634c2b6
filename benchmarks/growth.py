"""What grows with conversations: environments, connections, rows, with 10, 100 and 1,000 of them.

Each conversation sends a message now and then, at random and five minutes apart on average, and
reads the answer to its end, which a slow model draws out to a few seconds; every other answer calls
a tool first. Its function runs behind the emulator, one answer in one process at a time, as on
Lambda. The environments that are expected to be busy, and some more, are started before: on one
machine, starts would hold up each other, which they do not on Lambda.

    python -m benchmarks.growth --conversations 10 100 1000 --rounds 120 --output results.json

`--rounds` is for how many seconds each number of them is watched. docs/scale.md goes on from here.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString

import httpx2
import psycopg

from benchmarks.system import open_system
from sidestream.local.emulator import FunctionUrl
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id

RESULTS: Final = Path(__file__).parent / "results"
CONVERSATIONS: Final = (10, 100, 1000)
PAUSE_S: Final = 300.0
WORD_MS: Final = 60.0
MESSAGES: Final = ("Tell me a story of 80 words", "add milk")
ANSWER_S: Final = 3.0
"""What an answer is expected to take, for how many environments to start before."""

SAMPLE_S: Final = 0.25
STARTS_AT_ONCE: Final = 4
CHANCE: Final = random.Random(1)  # noqa: S311 - the same conversations each time, nothing secret
CONNECTIONS: Final = """
    select count(*), count(*) filter (where state <> 'idle')
    from pg_stat_activity where usename = 'sidestream_app'
"""
TABLES: Final[tuple[LiteralString, ...]] = ("runs", "run_events", "thread_items", "tasks")


@dataclass(frozen=True, slots=True)
class Peak:
    """The most at a time: environments of a function at work, connections, and those in use."""

    chat: int
    tools: int
    connections: int
    in_use: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What so many conversations came to. Bytes have the indexes in them."""

    conversations: int
    seconds: float
    runs: int
    failed: int
    answer_s: float
    expected_busy: float
    """Answers at a time by Little's law: how many begin in a second, times what each takes."""
    mean_busy: float
    peak: Peak
    ttft_p50_ms: float
    ttft_p90_ms: float
    rows_per_run: dict[str, float]
    bytes_per_run: dict[str, float]
    transactions_per_run: float


@dataclass(slots=True)
class Answers:
    """What the conversations saw."""

    seconds: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    failed: int = 0


async def converse(
    system: LocalSystem, http: httpx2.AsyncClient, answers: Answers, until: float
) -> None:
    """Be one person until then: wait, send a message, read the answer, and again."""
    user = new_id("user")
    headers = {"authorization": f"Bearer {system.token(user)}"}
    url = f"{system.chat.url}/api/{user}/chat"
    thread: str | None = None
    count = CHANCE.randrange(len(MESSAGES))
    pause = CHANCE.uniform(0, PAUSE_S)  # they are in the middle of it
    while time.monotonic() + pause < until:
        await asyncio.sleep(pause)
        count += 1
        body = {"message": MESSAGES[count % len(MESSAGES)]}
        body |= {"thread_id": thread} if thread else {}
        began = time.monotonic()
        done = await _ask(http, url, body, headers)
        if done is None:
            answers.failed += 1
        else:
            thread = done["thread_id"]
            answers.seconds.append(time.monotonic() - began)
            answers.first_ms.append(done["ttft_ms"])
        pause = CHANCE.expovariate(1 / PAUSE_S)


async def _ask(
    http: httpx2.AsyncClient, url: str, body: dict[str, str], headers: dict[str, str]
) -> dict[str, Any] | None:
    # The last frame of the plain stream, if it is there and the answer did not fail.
    last: dict[str, Any] = {}
    try:
        async with http.stream("POST", url, json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    last = json.loads(line.removeprefix("data: "))
    except httpx2.HTTPError:
        return None
    return last if last.get("type") == "done" else None


@dataclass(slots=True)
class Watch:
    """Looks four times a second, until it is cancelled."""

    system: LocalSystem
    busy: list[int] = field(default_factory=list)
    tools: list[int] = field(default_factory=list)
    connections: list[tuple[int, int]] = field(default_factory=list)

    async def run(self) -> None:
        admin = self.system.postgres.admin_url
        async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
            while True:
                self.busy.append(_busy(self.system.chat))
                self.tools.append(_busy(self.system.tools))
                found = await (await connection.execute(CONNECTIONS)).fetchone()
                assert found is not None
                self.connections.append((found[0], found[1]))
                await asyncio.sleep(SAMPLE_S)

    def peak(self) -> Peak:
        held, in_use = zip(*self.connections, strict=True)
        return Peak(max(self.busy), max(self.tools), max(held), max(in_use))


def _busy(function: FunctionUrl) -> int:
    return sum(environment.reserved for environment in function.environments)


def _sizes(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    found = {}
    for table in TABLES:
        query = f"select count(*), pg_total_relation_size('{table}') from {table}"  # noqa: S608
        found[table] = connection.execute(query).fetchone()
    return found  # type: ignore[return-value]


def _transactions(connection: psycopg.Connection[Any]) -> int:
    query = "select xact_commit from pg_stat_database where datname = current_database()"
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


async def warm(function: FunctionUrl, count: int) -> None:
    """Start so many environments, a few at a time."""
    for started in range(STARTS_AT_ONCE, count + STARTS_AT_ONCE, STARTS_AT_ONCE):
        await function.warm(min(started, count))


async def grow(conversations: int, seconds: float) -> Growth:
    """Watch so many conversations on a new system."""
    expected = conversations / (PAUSE_S + ANSWER_S) * ANSWER_S
    ahead = math.ceil(expected + 4 * math.sqrt(expected)) + 1
    answers = Answers()
    async with (
        open_system(model_delay_ms=WORD_MS, environments=2 * ahead) as system,
        httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=None)) as http,
    ):
        await warm(system.chat, ahead)
        await warm(system.tools, max(1, ahead // 4))
        with psycopg.connect(system.postgres.admin_url, autocommit=True) as admin:
            before, started = _sizes(admin), _transactions(admin)
            watch = Watch(system)
            watching = asyncio.create_task(watch.run())
            until = time.monotonic() + seconds
            people = [converse(system, http, answers, until) for _ in range(conversations)]
            await asyncio.gather(*people)
            watching.cancel()
            await asyncio.wait({watching})
            await asyncio.sleep(1)  # Postgres tells its statistics a second late
            after, ended = _sizes(admin), _transactions(admin)
    runs = len(answers.seconds)
    if not runs:
        raise RuntimeError("Nobody got an answer.")
    mean_s = statistics.mean(answers.seconds)
    first = sorted(answers.first_ms)
    samples = len(watch.connections)
    return Growth(
        conversations=conversations,
        seconds=seconds,
        runs=runs,
        failed=answers.failed,
        answer_s=round(mean_s, 2),
        expected_busy=round(conversations / (PAUSE_S + mean_s) * mean_s, 1),
        mean_busy=round(statistics.mean(watch.busy), 1),
        peak=watch.peak(),
        ttft_p50_ms=round(statistics.median(first), 1),
        ttft_p90_ms=round(first[math.ceil(0.9 * runs) - 1], 1),
        rows_per_run={t: round((after[t][0] - before[t][0]) / runs, 2) for t in TABLES},
        bytes_per_run={t: round((after[t][1] - before[t][1]) / runs) for t in TABLES},
        transactions_per_run=round((ended - started - samples) / runs, 1),
    )


def print_table(found: list[Growth]) -> None:
    """Print what grows, a column for each number of conversations."""

    def row(name: str, *cells: object) -> None:
        print(f"{name:38}" + "".join(f"{cell:>12}" for cell in cells))

    row("conversations", *(f"{each.conversations:,}" for each in found))
    row("runs (failed)", *(f"{each.runs} ({each.failed})" for each in found))
    row("an answer, s", *(each.answer_s for each in found))
    row("answers at a time, expected", *(each.expected_busy for each in found))
    row("answers at a time, mean", *(each.mean_busy for each in found))
    row("chat at work, peak", *(each.peak.chat for each in found))
    row("tools at work, peak", *(each.peak.tools for each in found))
    row("connections, peak", *(each.peak.connections for each in found))
    row("connections in use, peak", *(each.peak.in_use for each in found))
    row("transactions of a run", *(each.transactions_per_run for each in found))
    for table in TABLES:
        row(f"rows of a run: {table}", *(each.rows_per_run[table] for each in found))
        row(f"bytes of a run: {table}", *(each.bytes_per_run[table] for each in found))
    row("first token p50, ms", *(each.ttft_p50_ms for each in found))
    row("first token p90, ms", *(each.ttft_p90_ms for each in found))


async def run(numbers: list[int], seconds: float) -> list[Growth]:
    """Watch each number of conversations, one after the other."""
    return [await grow(number, seconds) for number in numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--conversations", type=int, nargs="+", default=list(CONVERSATIONS))
    parser.add_argument("--rounds", type=float, default=120, help="seconds that each is watched")
    parser.add_argument("--output", type=Path, default=RESULTS / "growth.json")
    options = parser.parse_args()
    found = asyncio.run(run(options.conversations, options.rounds))
    print_table(found)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    summary = {"growth": [asdict(each) for each in found]}
    options.output.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
