"""Draws what the benchmarks found, each as its own panel: `python -m benchmarks.plot`.

Reads the JSON that the benchmarks write to `results/`, of those that have run.
"""

import json
from pathlib import Path
from typing import Any, Final

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


def _lengths(axes: Axes, found: dict[str, Any]) -> None:
    costs = found["operations"]
    bars = axes.barh([cost["operation"] for cost in costs], [cost["ratio"] for cost in costs])
    axes.bar_label(bars, fmt="%.2f")
    axes.axvline(found["target_ratio"], color="grey", linestyle="dotted")
    axes.set(title=f"Cost of {found['many']:,} rows to that of {found['few']}", xlabel="ratio")


def _memory(axes: Axes, found: dict[str, Any]) -> None:
    streams = found["streams"]
    names = [f"{each['streams']} at once" for each in streams]
    bars = axes.barh(names, [each["per_stream_kib"] for each in streams])
    axes.bar_label(bars, fmt="%.0f")
    axes.set(title="Memory of an open stream", xlabel="KiB")


def _rows(axes: Axes, found: dict[str, Any]) -> None:
    names = [f"{each['rows']} rows" for each in found["rows"]]
    bars = axes.barh(names, [each["tick_ms"] for each in found["rows"]])
    axes.bar_label(bars, fmt="%.1f")
    axes.set(title=f"A tick on the page, {found['ratio']:.2f} of a short list's", xlabel="ms")


def _growth(axes: Axes, found: dict[str, Any]) -> None:
    growth = found["growth"]
    names = [f"{each['conversations']:,} conversations" for each in growth]
    bars = axes.barh(names, [each["peak"]["chat"] for each in growth])
    axes.bar_label(bars)
    axes.set(title="Environments of the chat at work", xlabel="at a time, at most")


def _releases(axes: Axes, found: dict[str, Any]) -> None:
    rate, kind = found["rate"], found["kind"]
    chances = [c for c in found["chances"] if (c["rate"], c["kind"]) == (rate, kind)]
    bars = axes.barh([c["version"] for c in chances], [c["rolled_back"] for c in chances])
    axes.bar_label(bars, fmt="%.2f")
    axes.set(title=f"Rolled back at {rate} runs a minute", xlabel=f"share of releases, {kind}")


PANELS = {
    "streaming_overhead": _chunks,
    "run_overhead": _runs,
    "cold_start": _starts,
    "scaling": _lengths,
    "stream_memory": _memory,
    "page_rows": _rows,
    "growth": _growth,
    "rollback": _releases,
}
"""What draws each benchmark's results."""

_ROWS_IN: Final = 5


def draw(folder: Path = RESULTS) -> Path | None:
    """Draw the results of a folder. Gives the PNG's path, or None when there are no results."""
    found = {name: folder / f"{name}.json" for name in PANELS}
    found = {name: path for name, path in found.items() if path.exists()}
    if not found:
        return None
    results = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in found.items()}
    heights = [1 + len(each.get("operations", ())) / _ROWS_IN for each in results.values()]
    figure = Figure(figsize=(8, 2 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(results), squeeze=False, height_ratios=heights)
    for (name, result), (axes,) in zip(results.items(), rows, strict=True):
        PANELS[name](axes, result)
        axes.invert_yaxis()
        axes.margins(x=0.12)
    target = folder / "benchmarks.png"
    figure.savefig(target, dpi=120)
    return target


if __name__ == "__main__":
    print(draw() or "There are no results yet: run `make bench`.")
