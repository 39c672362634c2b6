"""Runs every benchmark: `python -m benchmarks`. Each prints a table and writes its JSON beside."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = ("streaming_overhead", "turn_overhead", "cold_start")


def main() -> int:
    """Run the benchmarks one after the other; the worst exit code is ours."""
    here = Path(__file__).parent
    worst = 0
    for name in BENCHMARKS:
        if not (here / f"{name}.py").exists():
            continue
        print(f"\n== {name}")
        worst = max(worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
