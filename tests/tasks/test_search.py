"""Search: it finds what stands in a task, in any script, and does not read the whole list for it.

Plans are those of the functions' role: row-level security decides which index may serve.
"""

import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from sidestream.caller import Caller
from sidestream.store.database import Database, Rows, Statement
from sidestream.tasks import repository
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import TaskChanges, TaskDraft, TaskFilter

TEXTS = (
    ("Buy milk", ""),
    ("Call the bank", "about the MILK account"),
    ("دودھ خریدنا ہے", "آج شام"),
    ("بجلی کا بل", "100% by Friday"),
    ("snake_case \\ path", "tab\tand line\nbreak"),
    ("Café crème", "Straße"),
    (unicodedata.normalize("NFD", "Résumé für Zoë"), ""),
    ("🛒", "🥛 👩‍👩‍👧"),
    ("a", ""),
    ("x" * 200, "y" * 3000),
)
WORDS = (
    ("milk",), ("ILK",), ("mil", "ban"), ("milk", "zebra"), ("zebra",), ("دودھ",), ("ودھ",),
    ("کا", "بل"),
    ("آ",), ("100%",), ("%",), ("_",), ("e_c",), ("exc",), ("\\",), ("CAFÉ",), ("fé",), ("straße",),
    (unicodedata.normalize("NFD", "résumé"),), ("zoë",), ("🛒",), ("👩",), ("a",), ("b",), ("bu",),
    ("x" * 150,), ("xy",), ("tab\tand",), ("lineb",), ("k",),
)  # fmt: skip
MANY = 2_000
FILL = """
    insert into tasks (user_id, id, title, completed)
    select %(user)s, 'tsk_' || lpad(n::text, 28, '0'),
      case when n = 7 then 'feed the zebra' else 'buy milk ' || n end, n %% 2 = 0
    from generate_series(1, %(count)s) as n
"""


@pytest.fixture
def tasks(database: Database) -> TaskRepository:
    return TaskRepository(database)


@pytest.fixture
async def many(database: Database, admin_url: str, caller: Caller) -> AsyncIterator[Caller]:
    """A user with many tasks, known to the planner."""
    fill = Statement(FILL, {"user": caller.user_id, "count": MANY})
    await database.run(caller.user_id, fill)
    owner = Database(admin_url)
    await owner.open()
    await owner.run("admin", Statement("analyze tasks, task_search"))
    await owner.close()
    yield caller
    clear = Statement("delete from tasks where user_id = %s", (caller.user_id,))
    await database.run(caller.user_id, clear)


async def titles(tasks: TaskRepository, caller: Caller, *words: str, **wanted: Any) -> list[str]:
    page = await tasks.list(caller.user_id, TaskFilter(words=words, **wanted))
    return [task.title for task in page.tasks]


def stands_in(words: tuple[str, ...], text: str) -> bool:
    plain = unicodedata.normalize("NFC", text).lower()
    return all(unicodedata.normalize("NFC", word).lower() in plain for word in words)


@pytest.mark.parametrize("words", WORDS, ids=map(repr, WORDS))
async def test_what_stands_in_title_or_notes_is_found(
    tasks: TaskRepository, caller: Caller, stranger: Caller, words: tuple[str, ...]
) -> None:
    for title, notes in TEXTS:
        await tasks.add(caller.user_id, TaskDraft(title, notes))
    expected = {title for title, notes in TEXTS if stands_in(words, f"{title}\n{notes}")}
    # In no order: what is made within a millisecond has none.
    assert set(await titles(tasks, caller, *words)) == expected
    assert await titles(tasks, stranger, *words) == []


async def test_a_task_that_changes_is_found_by_what_it_says_now(
    tasks: TaskRepository, caller: Caller
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("Buy milk"))
    await tasks.update(caller.user_id, task.id, TaskChanges(notes="at the corner"))
    assert await titles(tasks, caller, "corner", "milk") == ["Buy milk"]
    await tasks.update(caller.user_id, task.id, TaskChanges(title="Buy bread", completed=True))
    assert await titles(tasks, caller, "milk") == []
    assert await titles(tasks, caller, "bread", completed=True) == ["Buy bread"]
    assert await titles(tasks, caller, "bread", completed=False) == []
    await tasks.delete(caller.user_id, task.id)
    assert await titles(tasks, caller, "bread") == []


@pytest.mark.parametrize("completed", [None, True])
async def test_pages_of_what_many_have(
    tasks: TaskRepository, many: Caller, completed: bool | None
) -> None:
    seen: list[str] = []
    after = None
    while True:
        wanted = TaskFilter(completed, ("milk",), after, 100)
        page = await tasks.list(many.user_id, wanted)
        seen += [task.title for task in page.tasks]
        if (after := page.after) is None:
            break
    numbers = [n for n in range(MANY, 0, -1) if n != 7 and (n % 2 == 0 or not completed)]
    assert seen == [f"buy milk {n}" for n in numbers]


async def test_nothing_of_it_is_left_for_the_next(
    pooled_database: Database, caller: Caller
) -> None:
    """Of the pooler's connection, which serves others."""
    tasks = TaskRepository(pooled_database)
    await tasks.add(caller.user_id, TaskDraft("Buy milk"))
    assert await titles(tasks, caller, "zebra") == []
    left = Statement("select current_setting('app.search', true) as search, id from task_search")
    for _ in range(5):
        [[row]] = await pooled_database.run(caller.user_id, left)
        assert not row["search"]


async def test_what_can_be_searched_is_the_callers_alone(
    database: Database, tasks: TaskRepository, caller: Caller, stranger: Caller
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("Buy milk"))
    every = Statement("select id from task_search")
    assert await database.run(caller.user_id, every) == [[{"id": task.id}]]
    assert await database.run(stranger.user_id, every) == [[]]
    look = Statement(
        "select set_config('app.search', task_grams(%s, 'milk', 3)::text, true)", (caller.user_id,)
    )
    assert (await database.run(caller.user_id, look, every))[1] == [{"id": task.id}]
    assert (await database.run(stranger.user_id, look, every))[1] == []


class _Explaining(Database):
    """Carries statements out and keeps the plan of the last one, in place of its rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plan: dict[str, Any] = {}

    async def run(self, user_id: str, *statements: Statement, tag: str = "") -> list[Rows]:
        *before, last = statements
        explain = Statement("explain (analyze, format json) " + last.sql, last.params)
        *_, [explained] = await self._database.run(user_id, *before, explain, tag=tag)
        self.plan = explained["QUERY PLAN"][0]["Plan"]
        return [[]]


class TestRowsThatAreRead:
    async def read(self, database: Database, caller: Caller, wanted: TaskFilter) -> int:
        """How many rows a page costs, by the plan that was carried out."""
        explaining = _Explaining(database)
        await TaskRepository(explaining).list(caller.user_id, wanted)
        return rows_of(explaining.plan)

    @pytest.mark.parametrize("word", ["zebra", "milk", "nowhere", "ilk", "e", "qq"])
    async def test_of_a_search(self, database: Database, many: Caller, word: str) -> None:
        most = 2 * int(repository._FEW) + 100
        assert await self.read(database, many, TaskFilter(words=(word,))) < most

    @pytest.mark.parametrize("completed", [None, True, False])
    async def test_of_a_page(
        self, database: Database, many: Caller, completed: bool | None
    ) -> None:
        after = f"tsk_{MANY // 2:028}"
        for wanted in (TaskFilter(completed), TaskFilter(completed, after=after)):
            assert await self.read(database, many, wanted) <= 2 * wanted.limit


def rows_of(node: dict[str, Any]) -> int:
    """The rows that a plan took from tables, also those that it did not want."""
    own = 0
    if "Relation Name" in node:
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        own = int(rows * node["Actual Loops"])
    return own + sum(map(rows_of, node.get("Plans", ())))


async def test_pieces_of_three_letters_tell_each_of_them(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        [[pieces]] = owner.execute(
            "select array_agg(distinct piece) from unnest(%s::text[]) as word,"
            " unnest(task_grams('u', word, 3)) as piece",
            (["any", "cny", "ban", "dan", "تین", "دین", "زین"],),
        ).fetchall()
    assert len(pieces) == 7
