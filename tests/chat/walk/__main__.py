"""`make soak`: a long walk, from the command line."""

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.store.migrate import migrate
from tests.chat.walk.plan import chapters
from tests.chat.walk.walk import Outcome, Walk
from tests.postgres import embedded
from tests.system import running
from tests.tickets import DOMAIN, PACKAGE


async def soak(postgres: EmbeddedPostgres, options: argparse.Namespace, outcome: Outcome) -> None:
    """Take a walk on a server of its own, and tell of it as it goes."""

    async def rows(sql: str, *params: Any) -> list[dict[str, Any]]:
        connecting = psycopg.AsyncConnection.connect(postgres.owner_url, row_factory=dict_row)
        async with await connecting as connection:
            cursor = await connection.execute(sql.encode(), params)
            return await cursor.fetchall()

    told = 0

    def tell() -> None:
        nonlocal told
        for violation in outcome.violations[told:]:
            _print(str(violation))
        told = len(outcome.violations)
        _print(f"{outcome.steps} steps, {outcome.faults.total()} faults, {told} violations")

    planned = chapters(options.steps, options.seed)
    if options.chapter:
        planned = [chapter for chapter in planned if chapter.number == options.chapter]
    async with running(postgres, DOMAIN=PACKAGE) as system:
        await Walk(system, rows, outcome, tell).play(planned, walkers=options.walkers)


def main() -> int:
    """Walk until the end or Ctrl-C, print the counts, and give 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chapter", type=int, help="this one alone")
    parser.add_argument("--walkers", type=int, default=4, help="how many walk at once")
    options = parser.parse_args()
    outcome = Outcome()
    with embedded(None, None) as postgres:
        migrate(postgres.owner_url, postgres.app_password, folders=DOMAIN.migration_folders)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(soak(postgres, options, outcome))
    _print(outcome.table())
    _print(f"seed {options.seed}, {options.steps} steps planned")
    return 1 if outcome.violations else 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
