"""Rehearses a deployment and prints what came of each step.

    python -m rehearsal [--short] [--build FOLDER]

Exit code 1 when anything was wrong. It needs `make build`, and neither an account nor Docker.
"""

import argparse
import sys
import time
from pathlib import Path

from rehearsal import release, sam
from rehearsal.account import ROOT, Account
from rehearsal.steps import DEFAULTS, Rehearsal, Row


def rehearse(account: Account, packaged: Path, *, short: bool) -> Rehearsal:
    """Take every step, or those that show most in the least time."""
    rehearsal = Rehearsal(account, packaged, show)
    rehearsal.first()
    if short:
        rehearsal.front()
    else:
        rehearsal.all_sets()
    rehearsal.life()
    if not short:
        rehearsal.old_versions()
        rehearsal.failing_create()
        rehearsal.take(
            "make deploy, to a release that answers", lambda: release.findings(account, packaged)
        )
        rehearsal.delete("rehearsal-front")
        rehearsal.delete("rehearsal-cloudfront")
    rehearsal.delete(DEFAULTS)
    return rehearsal


def show(row: Row) -> None:
    """Print a row of the table."""
    result = "wrong" if row.wrong else "ok"
    print(f"{row.name:<56} {row.seconds:5.1f} s  {result}", flush=True)
    for sentence in row.wrong:
        print(f"    {sentence}", flush=True)


def main() -> int:
    """Rehearse, print, give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--short", action="store_true", help="two of the eight sets, fewer steps")
    parser.add_argument("--build", type=Path, default=ROOT / ".aws-sam/build")
    options = parser.parse_args()
    if not (options.build / "template.yaml").exists():
        print(f"{options.build} has no build. Run `make build` first.", file=sys.stderr)
        return 2
    started = time.monotonic()
    with Account() as account:
        packaged = sam.package(account, options.build)
        show(Row("package", time.monotonic() - started, []))
        rows = rehearse(account, packaged, short=options.short).rows
        no_ops = account.no_ops
    wrong = sum(bool(row.wrong) for row in rows)
    print(f"{len(rows)} steps, {wrong} wrong, {time.monotonic() - started:.0f} s")
    print(f"Not rehearsed, because the stand-in for AWS lacks them: {', '.join(no_ops)}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
