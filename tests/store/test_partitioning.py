"""The SQL of docs/scale.md that partitions `run_events`, run as it stands there."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from tests.store.conformance import a_message, a_thread
from tests.store.test_tidy import KEPT, age
from tests.tickets import DOMAIN

from sidestream.caller import Caller
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate
from sidestream.store.run_start import BegunRun, RunStart
from sidestream.store.run_starts import RunStarts
from sidestream.store.runs import Runs
from sidestream.store.tidy import Leftovers

GUIDE = (Path(__file__).parents[2] / "docs/scale.md").read_text()
[PARTITION] = re.findall(r"(?ms)^```sql\n(.*?)^```", GUIDE)
DAY = timedelta(days=1)


@pytest.fixture
def owner(empty_url: str) -> str:
    migrate(empty_url, folders=DOMAIN.migration_folders)
    return empty_url


@pytest_asyncio.fixture
async def database(owner: str, app_url: str) -> AsyncIterator[Database]:
    """That of the owner, as the functions' role."""
    opened = Database(f"{app_url.rpartition('/')[0]}/{owner.rpartition('/')[2]}")
    await opened.open()
    yield opened
    await opened.close()


def run_sql(url: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


async def begun(database: Database, caller: Caller, day: datetime) -> str:
    """A run that began on a day, and has an event."""
    thread = a_thread()
    start = RunStart(
        new_id("run", day.timestamp),
        thread.id,
        new_thread=thread,
        item=a_message(thread.id),
        idempotency_key=new_id("key"),
        request_hash=b"h",
        lease_s=30,
    )
    assert isinstance(await RunStarts(database).begin(caller, start), BegunRun)
    await Runs(database).beat(caller, start.run_id, 30, ["a"], first=1)
    return start.run_id


def places(admin_url: str, owner: str) -> dict[str, str]:
    """Which partition has the events of each run."""
    url = f"{admin_url.rpartition('/')[0]}/{owner.rpartition('/')[2]}"
    return {
        str(run): str(place)
        for run, place in run_sql(url, "select run_id, tableoid::regclass::text from run_events")
    }


async def test_runs_go_on_in_partitions(
    owner: str, database: Database, caller: Caller, admin_url: str
) -> None:
    now = datetime.now(UTC)
    runs = Runs(database)
    before = await begun(database, caller, now)
    run_sql(owner, PARTITION)

    tomorrow = await begun(database, caller, now + DAY)
    far = await begun(database, caller, now + 30 * DAY)
    for run in (before, tomorrow, far):
        for _ in range(2):  # sent again, it is kept once
            await runs.beat(caller, run, 30, ["b", "c"], first=2)
        assert (await runs.events(caller, run)).frames == ((1, "a"), (2, "b"), (3, "c"))
        await runs.finish(caller, run, "completed", frames=["d"], first=4)
        assert (await runs.events(caller, run, 3)).frames == ((4, "d"),)

    day = f"run_events_{now + DAY:%Y%m%d}"
    assert places(admin_url, owner) == {
        before: "run_events_before",
        tomorrow: day,
        far: "run_events_rest",
    }
    plan = run_sql(owner, f"explain select from run_events where run_id = '{tomorrow}'")
    assert day in str(plan)
    assert "run_events_before" not in str(plan)


async def test_each_sees_only_their_own(
    owner: str, database: Database, caller: Caller, app_url: str, admin_url: str
) -> None:
    run_sql(owner, PARTITION)
    await begun(database, caller, datetime.now(UTC))
    app = f"{app_url.rpartition('/')[0]}/{owner.rpartition('/')[2]}"
    assert len(places(admin_url, owner)) == 1
    assert run_sql(app, "select from run_events") == []
    assert run_sql(owner, "select from run_events") == []
    for table in ("run_events_before", "run_events_rest"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_sql(app, f"select from {table}")


async def test_what_is_old_goes(
    owner: str, database: Database, caller: Caller, admin_url: str
) -> None:
    run_sql(owner, PARTITION)
    tomorrow = datetime.now(UTC) + DAY
    run, old = await begun(database, caller, tomorrow), await begun(database, caller, tomorrow)
    await Runs(database).finish(caller, old, "completed")
    drop = f"call drop_run_events_day('{tomorrow:%Y-%m-%d}')"
    with pytest.raises(psycopg.errors.RaiseException, match="has not ended"):
        run_sql(owner, drop)

    admin = f"{admin_url.rpartition('/')[0]}/{owner.rpartition('/')[2]}"
    age(admin, old, days=3)
    await Leftovers(database, KEPT).remove_rows(100)
    assert set(places(admin_url, owner)) == {run}
    await Runs(database).finish(caller, run, "completed")
    run_sql(owner, drop)
    assert places(admin_url, owner) == {}
    assert (await Runs(database).events(caller, run)).run.status == "completed"
