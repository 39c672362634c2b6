"""The benchmarks can be run, and what they find can be drawn. The figures are theirs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.plot import PANELS, draw

ROOT = Path(__file__).parent.parent
FOUND = {
    "streaming_overhead": {"servers": [{"server": "uvicorn", "p50_us": 90.0}], "ratio_p50": 1.8},
    "run_overhead": {
        "first_delta": [{"server": "plain", "p50_ms": 55.0}],
        "ratio_p50": {"ours": 0.3},
    },
    "cold_start": {"plain_s": 1.5, "ours_s": 0.9, "ratio": 0.6},
    "scaling": {
        "few": 10,
        "many": 10000,
        "operations": [{"operation": "tasks: add", "ratio": 1.1}],
        "target_ratio": 1.2,
    },
    "stream_memory": {"streams": [{"streams": 20, "per_stream_kib": 90.0}]},
    "growth": {"growth": [{"conversations": 1000, "peak": {"chat": 18}}]},
    "page_rows": {"rows": [{"rows": 50, "tick_ms": 4.8}], "ratio": 1.0},
    "rollback": {
        "rate": 20,
        "kind": "Canary10Percent10Minutes",
        "chances": [
            {
                "kind": "Canary10Percent10Minutes",
                "version": "healthy",
                "rate": 20,
                "rolled_back": 0.0,
                "wrong": False,
            }
        ],
    },
}


@pytest.mark.parametrize("name", PANELS)
def test_it_can_be_started(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--rounds" in done.stdout


@pytest.mark.parametrize("names", [tuple(FOUND), ("cold_start",)])
def test_results_are_drawn(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / f"{name}.json").write_text(json.dumps(FOUND[name]))
    target = draw(tmp_path)
    assert target is not None
    assert target.read_bytes().startswith(b"\x89PNG")


def test_without_results_nothing_is_drawn(tmp_path: Path) -> None:
    assert draw(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
