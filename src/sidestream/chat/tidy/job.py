"""The job that tidies: runs whose process died, rows past keeping, and files that are nobody's.

It may be run twice, and at the same time as another: what one holds the other leaves alone, and
what one has removed the other does not find. It works in batches, so that one that is ended has
done what it has done, and the next goes on. What fails stops neither the rest of its kind nor the
other kinds; it is told of when all is done.
"""

import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sidestream.caller import Caller
from sidestream.chat.files.bucket import Bucket
from sidestream.chat.files.keys import FOLDER, id_in
from sidestream.chat.tidy.ages import kept
from sidestream.config import TidySettings
from sidestream.problems import NotFound
from sidestream.store.database import Database
from sidestream.store.runs import Runs
from sidestream.store.threads import PostgresStore
from sidestream.store.tidy import Leftovers
from sidestream.telemetry import log_failure, logger

_DEAD_RUNS: Final = 200
_DEAD_RUNS_SEEN: Final = 1_000
_UNSETTLED_RUNS: Final = 5
_ROWS: Final = 1_000
_BATCHES: Final = 200
_PAGES: Final = 20
_YOUNG: Final = timedelta(days=1)

log = logger("tidy")


async def tidy(settings: TidySettings, gone: Counter[str], *, now: datetime | None = None) -> None:
    """Keep what runs left that died, and remove what is past keeping. Counts in `gone` how many
    were `settled` and how many of which went: `run_events` (batches of a run's events), `runs`,
    `usage`, `attachments`, `files`.

    `now` is the time by which files are young. Raises the first of what failed, after the rest is
    done: a `Problem` when the database or the bucket cannot be used.
    """
    database = Database(settings.secret("database_url"), timeout_s=settings.database_timeout_s)
    bucket = Bucket(settings.attachments_bucket) if settings.attachments_bucket else None
    leftovers = Leftovers(database, kept(settings))
    steps = [
        partial(_settle_runs, leftovers, database, gone),
        partial(_remove_rows, leftovers, gone),
        partial(_remove_attachments, leftovers, bucket, gone),
    ]
    if bucket is not None:
        old = (now or datetime.now(UTC)) - _YOUNG
        steps.append(partial(_remove_strays, leftovers, bucket, old, gone))
    await database.open()
    try:
        await _each(steps)
    finally:
        await database.close()


async def _each(steps: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Take every step, whatever becomes of those before it. Raises the first failure."""
    failures: list[Exception] = []
    for step in steps:
        try:
            await step()
        except Exception as error:
            log_failure(log, "not all tidied", error)
            failures.append(error)
    if failures:
        raise failures[0]


async def _settle_runs(leftovers: Leftovers, database: Database, gone: Counter[str]) -> None:
    """Settle the runs that nobody has come back to. Those that cannot be stay for the next time,
    which takes them in another order: some that never can be keep nobody else waiting for long."""
    dead = await leftovers.dead_runs(_DEAD_RUNS_SEEN)
    if not dead:
        return
    random.shuffle(dead)
    # What runs are made of takes long to import, and is rarely needed here.
    from sidestream.chat.runs.salvage import Salvage

    salvage = Salvage(Runs(database), PostgresStore(database))
    failures: list[Exception] = []
    for user_id, run_id in dead[:_DEAD_RUNS]:
        try:
            await salvage.settle(Caller(user_id), run_id)
        except NotFound:
            continue  # deleted meanwhile
        except Exception as error:
            log_failure(log, "run not settled", error, run_id=run_id)
            failures.append(error)
            if len(failures) == _UNSETTLED_RUNS:
                break
        else:
            gone["settled"] += 1
    if failures:
        raise failures[0]


async def _remove_rows(leftovers: Leftovers, gone: Counter[str]) -> None:
    for _batch in range(_BATCHES):
        removed = await leftovers.remove_rows(_ROWS)
        gone.update(removed)
        if not any(removed.values()):
            return


async def _remove_attachments(
    leftovers: Leftovers, bucket: Bucket | None, gone: Counter[str]
) -> None:
    """Remove the attachments that no message took, then their files. A file that stays, because
    the job ends in between, is a stray."""
    for _batch in range(_BATCHES):
        keys = await leftovers.take_files(_ROWS)
        if not keys:
            return
        gone["attachments"] += len(keys)
        if bucket is not None:
            await bucket.delete_all(keys)
            gone["files"] += len(keys)


async def _remove_strays(
    leftovers: Leftovers, bucket: Bucket, before: datetime, gone: Counter[str]
) -> None:
    """Remove files from before a time that have no row. A job looks at some pages of the bucket,
    from anywhere in it and once around, so that in time all of it is looked at and nobody has to
    remember where."""
    start = place = f"{FOLDER}{secrets.token_hex(4)}"
    around = False
    for _page in range(_PAGES):
        found = await bucket.page(FOLDER, after=place)
        old = [key for key, changed in found if changed < before]
        known = await leftovers.known_files([id_in(key) for key in old])
        strays = [key for key in old if id_in(key) not in known]
        await bucket.delete_all(strays)
        gone["files"] += len(strays)
        if found:
            place = found[-1][0]
        if not found and not around:
            place, around = FOLDER, True
        elif not found or (around and place >= start):
            return
