"""What is past keeping, over all users: how much of it goes, and what else has to.

The one place that reaches beyond a caller, through functions that run as the tables' owner and do
nothing else (migration `0009_tidy`). Any number of jobs may do it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from .database import Database, Statement

_NOBODY: Final = "tidy"
_RUNS: Final = "select * from tidy_runs(%(events_s)s, %(runs_s)s, %(most)s)"
_FILES: Final = "select tidy_attachments(%(files_s)s, %(most)s) as key"
_KNOWN: Final = "select tidy_known_attachments(%(ids)s::text[]) as id"
_DEAD: Final = "select * from tidy_dead_runs(%(most)s)"
_LEFT: Final = "select tidy_left(%(events_s)s, %(runs_s)s, %(files_s)s, %(most)s) as count"


@dataclass(frozen=True, slots=True)
class Kept:
    """How long something is kept, in seconds, and a day at least: the events of a run after its
    end, the run itself and what was spent, a file that no message took."""

    events_s: float
    runs_s: float
    files_s: float


class Leftovers:
    """What is past keeping."""

    def __init__(self, database: Database, kept: Kept) -> None:
        self._database = database
        self._kept = kept

    async def remove_rows(self, most: int) -> dict[str, int]:
        """Remove up to `most` rows of each kind. Gives how many of which went."""
        [row] = await self._run("tidy_runs", _RUNS, most=most)
        return {name: int(count) for name, count in row.items()}

    async def take_files(self, most: int) -> list[str]:
        """Remove up to `most` attachments that no message took. Gives the keys of their files."""
        rows = await self._run("tidy_files", _FILES, most=most)
        return [row["key"] for row in rows if row["key"]]

    async def known_files(self, ids: Sequence[str]) -> set[str]:
        """Give those ids of attachments that are there."""
        rows = await self._run("known_files", _KNOWN, ids=list(ids))
        return {row["id"] for row in rows}

    async def dead_runs(self, most: int) -> list[tuple[str, str]]:
        """Give up to `most` runs that died and that nobody has settled since: the user and the id
        of each, the oldest first."""
        rows = await self._run("dead_runs", _DEAD, most=most)
        return [(row["user_id"], row["run_id"]) for row in rows]

    async def overdue(self, most: int) -> int:
        """Tell how much there is, up to `most`, that should have gone."""
        [row] = await self._run("tidy_left", _LEFT, most=most)
        return int(row["count"])

    async def _run(self, tag: str, query: LiteralString, **params: Any) -> list[dict[str, Any]]:
        kept = {
            "events_s": self._kept.events_s,
            "runs_s": self._kept.runs_s,
            "files_s": self._kept.files_s,
        }
        statement = Statement(query, {**kept, **params})
        [rows] = await self._database.run(_NOBODY, statement, tag=tag)
        return rows
