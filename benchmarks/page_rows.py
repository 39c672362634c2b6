"""What the page's length costs: ticking a task off in a list of fifty rows and of five hundred.

The page is built and served as in production, Chromium draws it, and what is measured is the
page's own work until the row stands there ticked: `frontend/scripts/row-tick.mjs`.

    python -m benchmarks.page_rows --rounds 40 --output results.json

Exit code 1 when a tick costs more than 1.2 times as much in the long list.
"""

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Final

from benchmarks.system import open_system
from sidestream.local.settings import PROJECT

RESULTS: Final = Path(__file__).parent / "results"
SHORT, LONG = 50, 500
TARGET_RATIO = 1.2
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


async def run(rounds: int) -> dict[str, float]:
    """Measure `rounds` ticks of each list, in turns; their lower quartiles in milliseconds."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("Needs Chromium.")
    async with open_system(web=True) as system:
        script = ("node", "scripts/row-tick.mjs", str(system.endpoints.web), system.tools.url)
        process = await asyncio.create_subprocess_exec(
            *(*script, browser, str(rounds), str(SHORT), str(LONG)),
            cwd=PROJECT / "frontend",
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit("The page could not be measured.")
    return dict(json.loads(output))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40, help="ticks of each list")
    parser.add_argument("--output", type=Path, default=RESULTS / "page_rows.json")
    options = parser.parse_args()
    times = asyncio.run(run(options.rounds))
    rows = {length: round(times[str(length)], 2) for length in (SHORT, LONG)}
    ratio = round(rows[LONG] / rows[SHORT], 2)
    for length, took in rows.items():
        print(f"a tick among {length:4} rows{took:8.2f} ms")
    print(f"ratio {ratio}, target {TARGET_RATIO}")
    found = {
        "rows": [{"rows": length, "tick_ms": took} for length, took in rows.items()],
        "ratio": ratio,
        "target_ratio": TARGET_RATIO,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=2) + "\n")
    return int(ratio > TARGET_RATIO)


if __name__ == "__main__":
    sys.exit(main())
