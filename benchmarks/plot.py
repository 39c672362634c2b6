"""Draws what the benchmarks found, each as its own panel: `python -m benchmarks.plot`.

Reads the JSON that the benchmarks write to `results/`, of those that have run.
"""

import json
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"


def _chunks(axes: Axes, found: dict[str, Any]) -> None:
    servers = found["servers"]
    bars = axes.barh([s["server"] for s in servers], [s["p50_us"] for s in servers])
    axes.bar_label(bars, fmt="%.0f")
    axes.set(title=f"Delay per chunk, {found['ratio_p50']:.2f} of uvicorn's", xlabel="µs, p50")


def _runs(axes: Axes, found: dict[str, Any]) -> None:
    servers = found["first_delta"]
    bars = axes.barh([s["server"] for s in servers], [s["p50_ms"] for s in servers])
    axes.bar_label(bars, fmt="%.0f")
    best = min(found["ratio_p50"].values())
    axes.set(title=f"First delta, {best:.2f} of the plain pattern's", xlabel="ms, p50")


def _starts(axes: Axes, found: dict[str, Any]) -> None:
    bars = axes.barh(["plain imports", "ChatFunction"], [found["plain_s"], found["ours_s"]])
    axes.bar_label(bars, fmt="%.2f")
    axes.set(title=f"Cold start, {found['ratio']:.2f} of the plain imports", xlabel="s, median")


PANELS = {"streaming_overhead": _chunks, "run_overhead": _runs, "cold_start": _starts}


def draw(folder: Path = RESULTS) -> Path | None:
    """Draw the results of a folder. Gives the PNG's path, or None when there are no results."""
    found = {name: folder / f"{name}.json" for name in PANELS}
    found = {name: path for name, path in found.items() if path.exists()}
    if not found:
        return None
    figure = Figure(figsize=(8, 2 * len(found)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(found), squeeze=False)
    for (name, path), (axes,) in zip(found.items(), rows, strict=True):
        PANELS[name](axes, json.loads(path.read_text(encoding="utf-8")))
        axes.invert_yaxis()
        axes.margins(x=0.12)
    target = folder / "benchmarks.png"
    figure.savefig(target, dpi=120)
    return target


if __name__ == "__main__":
    print(draw() or "There are no results yet: run `make bench`.")
