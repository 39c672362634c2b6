"""Runs every benchmark: `python -m benchmarks`. Each prints a table and writes its JSON to
`results/`; a plot of all of them is drawn beside.
"""

import subprocess
import sys

from benchmarks.plot import draw

BENCHMARKS = (
    "streaming_overhead",
    "run_overhead",
    "scaling",
    "stream_memory",
    "page_rows",
    "cold_start",
    "growth",
    "rollback",
)


def main() -> int:
    """Run the benchmarks one after the other; the worst exit code is ours."""
    worst = 0
    for name in BENCHMARKS:
        print(f"\n== {name}")
        worst = max(worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
    print(f"\n{draw()}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
