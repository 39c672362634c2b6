"""Search: it finds what stands in a task, in any script, and does not read the whole list for it.

The rows that are read are those of the functions' role: row-level security decides which index may
serve.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from sidestream.caller import Caller
from sidestream.store.database import Database, Statement
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
    ("x" * 200, "y" * 1900 + " z"),
    ("abcdefghi", "rotating stations, states and quotations"),
    ("abcdefg bcdefgh cdefghi", "statio tation"),
    ("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", ""),
)
WORDS = (
    ("milk",), ("ILK",), ("mil", "ban"), ("milk", "zebra"), ("zebra",), ("دودھ",), ("ودھ",),
    ("کا", "بل"),
    ("آ",), ("100%",), ("%",), ("_",), ("e_c",), ("exc",), ("\\",), ("CAFÉ",), ("fé",), ("straße",),
    (unicodedata.normalize("NFD", "résumé"),), ("zoë",), ("🛒",), ("👩",), ("a",), ("b",), ("bu",),
    ("x" * 150,), ("xy",), ("tab\tand",), ("lineb",), ("k",), ("abcdefghi",), ("station",),
    ("tatio",), ("stat",), ("beamtengesell",),
    ("dampfschifffahrtselektrizitätenhauptbetriebswerkbau",),
    ("a", "b", "c", "d", "e", "f", "g", "h", "i", "zz"), ("schiff", "x"), ("z",),
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
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("vacuum analyze tasks, task_pieces, task_blocks")
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
    left = Statement("select current_setting('app.search', true) as search, id from task_pieces")
    for _ in range(5):
        [[row]] = await pooled_database.run(caller.user_id, left)
        assert not row["search"]


async def test_what_can_be_searched_is_the_callers_alone(
    database: Database, tasks: TaskRepository, caller: Caller, stranger: Caller
) -> None:
    task = await tasks.add(caller.user_id, TaskDraft("Buy milk"))
    [[block]] = await database.run(caller.user_id, Statement("select number from task_blocks"))
    every = Statement("select id from task_pieces")
    assert await database.run(caller.user_id, every) == [[{"id": task.id}]]
    for word, found in (("milk", [{"id": task.id}]), ("zebra", [])):
        look = Statement(
            "select set_config('app.search', task_pieces_for(%s, %s)::text, true)",
            (word, block["number"]),
        )
        assert (await database.run(caller.user_id, look, every))[1] == found
        assert (await database.run(stranger.user_id, look, every))[1] == []
    blocks = Statement("select number from task_blocks")
    assert await database.run(stranger.user_id, every, blocks) == [[], []]
    # Whoever names another person finds nothing of theirs.
    theirs = Statement(
        "select search_tasks(%s, '{milk}', '{%%milk%%}', null, null, 10)", (caller.user_id,)
    )
    assert len((await database.run(caller.user_id, theirs))[0]) == 1
    assert await database.run(stranger.user_id, theirs) == [[]]


async def test_notes_are_searched_to_their_2000th_character(
    tasks: TaskRepository, caller: Caller
) -> None:
    notes = "x" * 1_989 + " xylophone " + "zebra"
    assert notes.index("zebra") == 2_000
    task = await tasks.add(caller.user_id, TaskDraft("Long", notes))
    assert await titles(tasks, caller, "xylophone") == ["Long"]
    assert await titles(tasks, caller, "zebra") == []
    assert (await tasks.get(caller.user_id, task.id)).notes == notes


class TestBlocks:
    """Tasks stand in blocks of 512 or more, in the order of their ids."""

    async def blocks(self, database: Database, caller: Caller) -> list[tuple[str, int]]:
        blocks = Statement("select first_id, size from task_blocks order by first_id")
        [rows] = await database.run(caller.user_id, blocks)
        return [(row["first_id"], row["size"]) for row in rows]

    async def test_each_follows_the_one_that_is_full(
        self, database: Database, many: Caller
    ) -> None:
        sizes = [size for _, size in await self.blocks(database, many)]
        assert sizes == [512, 512, 512, MANY - 3 * 512]

    async def test_a_task_that_comes_late_has_its_place(
        self, database: Database, tasks: TaskRepository, many: Caller
    ) -> None:
        """Its id is older than those of tasks which came before it, also in full blocks."""
        late = [f"tsk_{n:028}5" for n in (3, 511, 512, 513, 700, 1024, 1999)]
        for task_id in late:
            add = Statement(
                "insert into tasks (user_id, id, title) values (%s, %s, 'buy milk late')",
                (many.user_id, task_id),
            )
            await database.run(many.user_id, add)
        assert len(await self.blocks(database, many)) == 4
        page = await tasks.list(many.user_id, TaskFilter(words=("late",)))
        assert [task.id for task in page.tasks] == sorted(late, reverse=True)
        seen: list[str] = []
        after = None
        while True:
            page = await tasks.list(many.user_id, TaskFilter(None, ("milk",), after, 100))
            seen += [task.id for task in page.tasks]
            if (after := page.after) is None:
                break
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == len(seen) == MANY - 1 + len(late)

    async def test_of_many_who_come_at_once_each_is_found_in_its_place(
        self, database: Database, tasks: TaskRepository, caller: Caller
    ) -> None:
        """While one block is followed by another."""
        fill = Statement(FILL, {"user": caller.user_id, "count": 500})
        await database.run(caller.user_id, fill)
        made = await asyncio.gather(
            *(tasks.add(caller.user_id, TaskDraft("feed the yak")) for _ in range(40))
        )
        assert len(await self.blocks(database, caller)) == 2
        page = await tasks.list(caller.user_id, TaskFilter(words=("yak",)))
        assert [task.id for task in page.tasks] == sorted((task.id for task in made), reverse=True)

    async def test_what_is_empty_goes(
        self, database: Database, tasks: TaskRepository, many: Caller
    ) -> None:
        kept = f"tsk_{1100:028}"
        clear = Statement("delete from tasks where user_id = %s and id <> %s", (many.user_id, kept))
        fill = Statement(
            "insert into tasks (user_id, id, title)"
            " select %s, 'tsk_' || lpad(n::text, 28, '0'), 'milk'"
            " from generate_series(2001, 2100) as n",
            (many.user_id,),
        )
        await database.run(many.user_id, clear, fill)
        firsts = [first for first, _ in await self.blocks(database, many)]
        assert firsts == [f"tsk_{n:028}" for n in (1025, 1537, 2049)]
        late = await tasks.add(many.user_id, TaskDraft("milk"))
        old = Statement(
            "insert into tasks (user_id, id, title) values (%s, 'tsk_0', 'milk')", (many.user_id,)
        )
        await database.run(many.user_id, old)
        page = await tasks.list(many.user_id, TaskFilter(words=("milk",), limit=100))
        rest = await tasks.list(many.user_id, TaskFilter(words=("milk",), after=page.after))
        found = [task.id for task in (*page.tasks, *rest.tasks)]
        newer = [f"tsk_{n:028}" for n in range(2100, 2000, -1)]
        assert found == sorted([late.id, *newer, kept, "tsk_0"], reverse=True)


_READ = Statement(
    "select sum(seq_tup_read + idx_tup_fetch)::int as rows from pg_stat_xact_user_tables"
    " where relname in ('tasks', 'task_pieces', 'task_blocks')"
)
_WRITTEN = Statement(
    "select n_tup_upd as rows, n_tup_hot_upd as hot from pg_stat_xact_user_tables"
    " where relname = 'task_pieces'"
)


class _Counting(Database):
    """Carries statements out and keeps what they made a counter rise by."""

    def __init__(self, database: Database, counter: Statement) -> None:
        self._database = database
        self._counter = counter
        self.counted: dict[str, int] = {}

    async def run(self, user_id: str, *statements: Statement, tag: str = "") -> list[Any]:
        [before], *results, [after] = await self._database.run(
            user_id, self._counter, *statements, self._counter, tag=tag
        )
        self.counted = {name: after[name] - before[name] for name in before}
        return results


class TestRowsThatAreRead:
    async def read(self, database: Database, caller: Caller, wanted: TaskFilter) -> int:
        """How many rows a page costs."""
        counting = _Counting(database, _READ)
        await TaskRepository(counting).list(caller.user_id, wanted)
        return counting.counted["rows"]

    @pytest.mark.parametrize("word", ["zebra", "milk", "nowhere", "ilk", "e", "qq"])
    async def test_of_a_search(self, database: Database, many: Caller, word: str) -> None:
        """The candidates of a block, and the page; less when few have it."""
        most = 100 if word in ("zebra", "nowhere", "qq") else 512 + 200
        assert await self.read(database, many, TaskFilter(words=(word,))) < most

    @pytest.mark.parametrize("words", [("xylophone",), ("x",), ("xy",), ("xylophone", "milk")])
    async def test_of_a_search_for_what_only_the_oldest_have(
        self, database: Database, tasks: TaskRepository, many: Caller, words: tuple[str, ...]
    ) -> None:
        change = Statement(
            "update tasks set notes = repeat('la ', 300) || 'xylophone' || repeat(' li', 1000)"
            " where user_id = %s and id <= %s",
            (many.user_id, f"tsk_{300:028}"),
        )
        await database.run(many.user_id, change)
        assert await self.read(database, many, TaskFilter(words=words)) < 512 + 200
        page = await tasks.list(many.user_id, TaskFilter(words=words))
        expected = [f"tsk_{n:028}" for n in range(300, 250, -1)]
        assert [task.id for task in page.tasks] == expected

    async def test_of_a_search_whose_filter_leaves_none(
        self, database: Database, many: Caller
    ) -> None:
        undo = Statement("update tasks set completed = false where user_id = %s", (many.user_id,))
        await database.run(many.user_id, undo)
        assert await self.read(database, many, TaskFilter(True, ("milk",))) < 50

    @pytest.mark.parametrize("completed", [None, True, False])
    async def test_of_a_page(
        self, database: Database, many: Caller, completed: bool | None
    ) -> None:
        after = f"tsk_{MANY // 2:028}"
        for wanted in (TaskFilter(completed), TaskFilter(completed, after=after)):
            assert await self.read(database, many, wanted) <= 2 * wanted.limit


class TestWhatIsWritten:
    """What has not changed is not made searchable again."""

    async def written(
        self, database: Database, caller: Caller, changes: TaskChanges
    ) -> dict[str, int]:
        task = await TaskRepository(database).add(
            caller.user_id, TaskDraft("Buy milk", "x" * 2_000 + "y")
        )
        counting = _Counting(database, _WRITTEN)
        await TaskRepository(counting).update(caller.user_id, task.id, changes)
        return counting.counted

    async def test_a_task_that_is_done_touches_no_index(
        self, database: Database, caller: Caller
    ) -> None:
        changes = TaskChanges(completed=True)
        assert await self.written(database, caller, changes) == {"rows": 1, "hot": 1}

    @pytest.mark.parametrize(
        "changes",
        [
            TaskChanges(title="Buy milk"),
            TaskChanges(notes="x" * 2_000 + "z"),
            TaskChanges(completed=False),
            TaskChanges(clear_due_at=True),
        ],
    )
    async def test_what_is_not_searched_writes_nothing(
        self, database: Database, caller: Caller, changes: TaskChanges
    ) -> None:
        assert await self.written(database, caller, changes) == {"rows": 0, "hot": 0}

    async def test_what_is_said_anew_is_written_once(
        self, database: Database, caller: Caller
    ) -> None:
        changes = TaskChanges(title="Buy bread", completed=True)
        assert (await self.written(database, caller, changes))["rows"] == 2
        changes = TaskChanges(title="Buy bread")
        assert (await self.written(database, caller, changes))["rows"] == 1


async def test_pieces_tell_each_word_of_so_many_letters(owner_url: str) -> None:
    with psycopg.connect(owner_url) as owner:
        [[pieces]] = owner.execute(
            "select count(distinct task_pieces_for(word, 1)) from unnest(%s::text[]) as word",
            (["any", "cny", "ban", "dan", "تین", "دین", "زین"],),
        ).fetchall()
    assert pieces == 7
