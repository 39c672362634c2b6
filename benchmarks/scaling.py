"""What length costs: each operation on ten rows and on ten thousand, as a client sees it.

Two people use one system. One has ten tasks, ten conversations and a conversation of ten items, the
other ten thousand of each; two more have as many tasks with long notes. The same request is sent
for both in turns, so that whatever else the machine does hits both alike; the cost is that of the
quickest quarter. What a retry takes away is measured apart: two thousand items, or ten.

    python -m benchmarks.scaling --rounds 30 --output results.json

Exit code 1 when an operation costs more than 1.2 times as much on ten thousand rows.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import psycopg

from benchmarks.system import open_system
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id

RESULTS: Final = Path(__file__).parent / "results"
FEW, MANY = 10, 10_000
REMOVED = 2_000
TARGET_RATIO = 1.2
WARM_UP = 5
LONG_CHARS = 5_000
OLDEST = 300
NEEDLE = "zebra"
URDU = "بجلی"
CLUSTERED = "xylophone"

FILL: Final = """
    insert into tasks (user_id, id, title, notes, completed)
    select %(user)s, 'tsk_' || lpad(to_hex(n), 32, '0'),
      case n when 5 then 'feed the zebra' when 6 then 'بجلی کا بل جمع کرانا'
        else (array['buy milk', 'call the bank', 'دودھ خریدنا ہے'])[1 + n %% 3] || ' ' || n end,
      case when n %% 3 = 0 then 'some notes about number ' || n else '' end, n %% 2 = 0
    from generate_series(1, %(count)s) as n;
    insert into threads (id, user_id, created_at, updated_at, data)
    select %(user)s || '_' || n, %(user)s, now(), now() - n * interval '1 minute',
      json_build_object('id', %(user)s || '_' || n, 'title', 'Conversation ' || n,
        'created_at', '2026-11-20T10:00:00', 'metadata', json_build_object(),
        'status', json_build_object('type', 'active'))
    from generate_series(1, %(count)s) as n;
    insert into thread_items (thread_id, id, user_id, type, created_at, data)
    select %(user)s || '_1', 'msg_' || n, %(user)s, 'user_message', now(), json_build_object(
      'id', 'msg_' || n, 'thread_id', %(user)s || '_1', 'created_at', '2026-11-20T10:00:00',
      'type', 'user_message', 'attachments', json_build_array(), 'quoted_text', null,
      'content', json_build_array(json_build_object('type', 'input_text', 'text', 'Hello ' || n)),
      'inference_options', json_build_object())
    from generate_series(1, %(count)s) as n
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation takes, in milliseconds: its lower quartile."""

    operation: str
    few_ms: float
    many_ms: float

    @property
    def ratio(self) -> float:
        """How many times as much it costs on many rows."""
        return round(self.many_ms / self.few_ms, 2)


FILL_LONG: Final = """
    insert into tasks (user_id, id, title, notes)
    select %(user)s, 'tsk_' || lpad(to_hex(n), 32, '0'), 'read the report',
      case when n <= %(oldest)s then %(clustered)s || ' ' else '' end
        || (%(notes)s::text[])[1 + n %% cardinality(%(notes)s::text[])]
    from generate_series(1, %(count)s) as n
"""
_SYLLABLES: Final = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "sta", "tion")


def long_notes(count: int = 50) -> list[str]:
    """Texts of `LONG_CHARS` characters, of made-up words, the same each time."""
    made = random.Random(1)  # noqa: S311
    words = ["".join(made.choices(_SYLLABLES, k=made.randint(1, 4))) for _ in range(3_000)]
    return [" ".join(made.choices(words, k=LONG_CHARS))[:LONG_CHARS] for _ in range(count)]


class Person:
    """Somebody with a number of rows, who does each operation."""

    def __init__(self, system: LocalSystem, count: int) -> None:
        self.user = new_id("user")
        self.count = count
        headers = {"authorization": f"Bearer {system.token(self.user)}"}
        self._chat = httpx2.AsyncClient(base_url=system.chat.url, headers=headers, timeout=120)
        self._tasks = httpx2.AsyncClient(
            base_url=f"{system.tools.url}/api/{self.user}/", headers=headers, timeout=120
        )

    async def close(self) -> None:
        await self._chat.aclose()
        await self._tasks.aclose()

    async def task(self, method: str, path: str = "tasks", **options: Any) -> Any:
        response = await self._tasks.request(method, path, **options)
        response.raise_for_status()
        return response.json() if response.content else None

    async def ask(self, kind: str, **params: Any) -> Any:
        """Send a ChatKit request; a stream is read to its end."""
        body = {"type": kind, "params": params}
        response = await self._chat.post("/api/chatkit", json=body)
        response.raise_for_status()
        if response.headers["content-type"].startswith("application/json"):
            return response.json()
        if '"type":"error"' in response.text:
            raise RuntimeError(response.text[-500:])
        return None

    async def say(self, thread: str) -> Any:
        content = [{"type": "input_text", "text": "hello"}]
        message = {"content": content, "attachments": [], "inference_options": {}}
        return await self.ask("threads.add_user_message", thread_id=thread, input=message)

    @property
    def thread(self) -> str:
        """The conversation that has all the items."""
        return f"{self.user}_1"

    async def page_in_the_middle(self, kind: str, **params: Any) -> Callable[[], Awaitable[Any]]:
        """Give the request for a page that begins where half of the rows have gone by."""
        after = None
        for _ in range(max(1, self.count // 200)):
            page = await self.ask(kind, **params, after=after, limit=min(100, self.count // 2))
            after = page["after"]
        return lambda: self.ask(kind, **params, after=after, limit=5)


type Operations = dict[str, Callable[[], Awaitable[Any]]]


async def operations(person: Person) -> Operations:
    """Everything that a person does, by name."""
    middle = f"tsk_{person.count // 2:032x}"
    made: list[str] = []

    async def add() -> None:
        made.append((await person.task("POST", json={"title": "buy bread"}))["id"])

    def search(words: str) -> Callable[[], Awaitable[Any]]:
        return lambda: person.task("GET", params={"q": words, "limit": 5})

    items = {"thread_id": person.thread}
    return {
        "tasks: first page": lambda: person.task("GET", params={"limit": 5}),
        "tasks: page in the middle": lambda: person.task(
            "GET", params={"limit": 5, "after": middle}
        ),
        "tasks: open ones": lambda: person.task("GET", params={"limit": 5, "completed": "false"}),
        "tasks: search, few have it": search(NEEDLE),
        "tasks: search, few have it, Urdu": search(URDU),
        "tasks: search, many have it": search("milk"),
        "tasks: search, many have it, Urdu": search("دودھ"),
        "tasks: search, nobody has it": search("qwertz"),
        "tasks: add": add,
        "tasks: get": lambda: person.task("GET", f"tasks/{middle}"),
        "tasks: update": lambda: person.task(
            "PATCH", f"tasks/{middle}", json={"title": f"buy milk {time.monotonic_ns()}"}
        ),
        "tasks: delete": lambda: person.task("DELETE", f"tasks/{made.pop()}"),
        "threads: first page": lambda: person.ask("threads.list", limit=5),
        "threads: page in the middle": await person.page_in_the_middle("threads.list"),
        "thread: open": lambda: person.ask("threads.get_by_id", **items),
        "thread: rename": lambda: person.ask("threads.update", **items, title="Hello"),
        "items: newest page": lambda: person.ask("items.list", **items, limit=5, order="desc"),
        "items: oldest page": lambda: person.ask("items.list", **items, limit=5, order="asc"),
        "items: page in the middle": await person.page_in_the_middle(
            "items.list", **items, order="desc"
        ),
        "run: a message and its answer": lambda: person.say(person.thread),
    }


async def long_operations(person: Person) -> Operations:
    """What a person does whose notes are long: the oldest tasks have a word in common, and none is
    done. Pages are as long for both: ten rows."""
    made: list[str] = []
    notes = iter(long_notes() * 100)

    async def add() -> None:
        body = {"title": "buy bread", "notes": next(notes)}
        made.append((await person.task("POST", json=body))["id"])

    def search(words: str, **more: str) -> Callable[[], Awaitable[Any]]:
        return lambda: person.task("GET", params={"q": words, "limit": "10", **more})

    async def change(**changes: Any) -> None:
        await person.task("PATCH", f"tasks/{made[-1]}", json=changes)

    state = iter([True, False] * 10_000)
    return {
        "long: search, the oldest have it": search(CLUSTERED),
        "long: search, the oldest have it, limit 50": search(
            CLUSTERED, limit="50", after=f"tsk_{FEW + 1:032x}"
        ),
        "long: search, the oldest have it, two letters": search("xy"),
        "long: search, the oldest have it, one letter": search("x"),
        "long: search, all have it, one letter": search("a"),
        "long: search, nobody has it": search("qwertz"),
        "long: search, all have it, none is done": search("report", completed="true"),
        "long: add": add,
        "long: complete": lambda: change(completed=next(state)),
        "long: rename": lambda: change(title=f"buy bread {time.monotonic_ns()}"),
        "long: delete": lambda: person.task("DELETE", f"tasks/{made.pop()}"),
    }


async def measure(sides: tuple[Operations, Operations], rounds: int) -> list[Cost]:
    """Do each operation for both in turns."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in sides[0]}
    for number in range(WARM_UP + rounds):
        for name in sides[0]:
            # Each goes first as often: what an operation leaves behind slows down the next one.
            for side, taken in list(zip(sides, times[name], strict=True))[:: (-1) ** number]:
                began = time.perf_counter()
                await side[name]()
                if number >= WARM_UP:
                    taken.append((time.perf_counter() - began) * 1000)
    return [
        Cost(name, *(round(statistics.quantiles(taken, n=4)[0], 2) for taken in both))
        for name, both in times.items()
    ]


async def removal(person: Person, owner_url: str, items: int) -> float:
    """Retry the first message of a thread that has so many items behind it; milliseconds."""
    thread = f"{person.user}_2"
    copy = (
        "insert into thread_items (thread_id, id, user_id, type, created_at, data)"
        " select %s, 'msg_' || n, user_id, type, created_at,"
        " jsonb_set(jsonb_set(data::jsonb, '{id}', to_jsonb('msg_' || n)),"
        " '{thread_id}', to_jsonb(%s::text))::json"
        " from thread_items, generate_series(0, %s) as n"
        " where thread_id = %s and id = 'msg_1' on conflict do nothing"
    )
    with psycopg.connect(owner_url) as owner:
        owner.execute("delete from thread_items where thread_id = %s", (thread,))
        owner.execute(copy, (thread, thread, items, person.thread))
    began = time.perf_counter()
    await person.ask("threads.retry_after_item", thread_id=thread, item_id="msg_0")
    return (time.perf_counter() - began) * 1000


async def run(rounds: int) -> tuple[list[Cost], Cost]:
    """Measure `rounds` of each operation, after a few that warm up."""
    # As many items go to the model either way.
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(open_system(HISTORY_ITEMS=str(FEW)))
        people = few, many = Person(system, FEW), Person(system, MANY)
        wordy = Person(system, FEW), Person(system, MANY)
        with psycopg.connect(system.postgres.admin_url, autocommit=True) as admin:
            cursor = psycopg.ClientCursor(admin)
            notes = {"notes": long_notes(), "clustered": CLUSTERED, "oldest": OLDEST}
            for fill, persons in ((FILL, people), (FILL_LONG, wordy)):
                for person in persons:
                    stack.push_async_callback(person.close)
                    cursor.execute(fill, {"user": person.user, "count": person.count, **notes})
            admin.execute("vacuum analyze")
        costs = await measure((await operations(few), await operations(many)), rounds)
        few, many = wordy
        costs += await measure((await long_operations(few), await long_operations(many)), rounds)
        owner_url = system.postgres.admin_url
        taken = [
            statistics.median([await removal(person, owner_url, items) for _ in range(5)])
            for person, items in zip(people, (FEW, REMOVED), strict=True)
        ]
        return costs, Cost(f"retry that removes {FEW} or {REMOVED:,} items", *taken)


def report(costs: list[Cost], removed: Cost) -> dict[str, Any]:
    """Give the results: `worst_ratio` is that of the operations, the removal apart."""
    return {
        "few": FEW,
        "many": MANY,
        "operations": [{**asdict(cost), "ratio": cost.ratio} for cost in costs],
        "removal": {**asdict(removed), "ratio": removed.ratio},
        "worst_ratio": max(cost.ratio for cost in costs),
        "target_ratio": TARGET_RATIO,
    }


def print_table(costs: list[Cost], removed: Cost) -> None:
    print(f"{'operation, ms':50}{FEW:>10}{MANY:>10,}     ratio")
    for cost in (*costs, removed):
        print(f"{cost.operation:50}{cost.few_ms:10.1f}{cost.many_ms:10.1f}{cost.ratio:9.2f}x")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40, help="of each operation")
    parser.add_argument("--output", type=Path, default=RESULTS / "scaling.json")
    options = parser.parse_args()
    costs, removed = asyncio.run(run(options.rounds))
    print_table(costs, removed)
    found = report(costs, removed)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return int(found["worst_ratio"] > TARGET_RATIO)


if __name__ == "__main__":
    sys.exit(main())
