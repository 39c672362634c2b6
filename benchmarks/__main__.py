"""`make bench`: every benchmark, one after the other; their JSON goes to `benchmarks/results/`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("streaming_overhead.py", "turn_overhead.py")


def main() -> None:
    for name in BENCHMARKS:
        print(f"\n{name}")
        subprocess.run([sys.executable, str(HERE / name), *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
