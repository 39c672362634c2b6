"""What a run adds to the model's own time: our chat against the plain way to serve ChatKit.

The model answers at once, so all that is left before the first delta is ours. Three servers answer
the same messages, in turns, so that whatever else the machine does hits all alike: the plain
pattern (`plain_chat.py`) under uvicorn, our chat under uvicorn, and our chat on the Lambda runtime
behind the emulator. Everything runs on loopback, where a round trip costs next to nothing; the
real distances to the database and the task server add to the plain pattern several times over.

    python -m benchmarks.run_overhead --rounds 30 --output results.json
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.system import open_system
from benchmarks.uvicorn_server import under_uvicorn

HERE = Path(__file__).parent
RUNS_PER_THREAD = 5
FIRST_DELTA = b'"assistant_message.content_part.text_delta"'
PLAIN, UVICORN, LAMBDA = "plain pattern", "ours, uvicorn", "ours, runtime + emulator"


@dataclass(frozen=True, slots=True)
class Latency:
    """The time to the first delta of one server's runs, in milliseconds."""

    server: str
    runs: int
    p50_ms: float
    p90_ms: float
    min_ms: float
    max_ms: float

    @classmethod
    def of(cls, server: str, times_ms: list[float]) -> "Latency":
        cuts = statistics.quantiles(times_ms, n=10)
        return cls(
            server,
            len(times_ms),
            p50_ms=round(statistics.median(times_ms), 2),
            p90_ms=round(cuts[8], 2),
            min_ms=round(min(times_ms), 2),
            max_ms=round(max(times_ms), 2),
        )


class Talker:
    """Somebody who talks to one server, in threads of a few runs."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._thread_id: str | None = None
        self._run_starts = 0

    async def run(self) -> float:
        """Say hello and read the answer; the milliseconds to its first delta."""
        if self._run_starts % RUNS_PER_THREAD == 0:
            self._thread_id = None
        self._run_starts += 1
        content = [{"type": "input_text", "text": "hello"}]
        params: dict[str, Any] = {
            "input": {"content": content, "attachments": [], "inference_options": {}}
        }
        kind = "threads.create"
        if self._thread_id is not None:
            kind, params["thread_id"] = "threads.add_user_message", self._thread_id
        body = json.dumps({"type": kind, "params": params}).encode()
        answer = b""
        first_ms: float | None = None
        sent_at = time.perf_counter()
        async with self._http.stream("POST", "/api/chatkit", content=body) as response:
            async for data in response.aiter_raw():
                answer += data
                if first_ms is None and FIRST_DELTA in answer:
                    first_ms = (time.perf_counter() - sent_at) * 1000
        if first_ms is None or b'"error"' in answer:
            raise RuntimeError(f"{response.status_code}: {answer[:500]!r}")
        if self._thread_id is None:
            _, _, line = answer.partition(b"data: ")
            created = json.loads(line.split(b"\n", 1)[0])
            self._thread_id = created["thread"]["id"]
        return first_ms


async def run(rounds: int) -> list[Latency]:
    """Measure `rounds` runs of each server, after a few that warm up."""
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(open_system())
        env = system.chat.spec.env
        plain = under_uvicorn("plain_chat:create_app", env, "--factory")
        ours = under_uvicorn("sidestream.chat.app:app", env)
        urls = {
            PLAIN: await stack.enter_async_context(plain),
            UVICORN: await stack.enter_async_context(ours),
            LAMBDA: system.chat.url,
        }
        talkers = {}
        for number, (server, url) in enumerate(urls.items()):
            headers = {"authorization": f"Bearer {system.token(f'bench-{number}')}"}
            http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=60)
            talkers[server] = Talker(await stack.enter_async_context(http))
        return await _measure(talkers, rounds)


async def _measure(talkers: Mapping[str, Talker], rounds: int) -> list[Latency]:
    times_ms: dict[str, list[float]] = {server: [] for server in talkers}
    for number in range(RUNS_PER_THREAD + rounds):
        for server, talker in talkers.items():
            first_ms = await talker.run()
            if number >= RUNS_PER_THREAD:
                times_ms[server].append(first_ms)
    return [Latency.of(server, times) for server, times in times_ms.items()]


def report(results: list[Latency]) -> dict[str, Any]:
    """Give the results with the ratios to the plain pattern: below 1 is faster than it."""
    plain = results[0]
    return {
        "first_delta": [asdict(result) for result in results],
        "ratio_p50": {r.server: round(r.p50_ms / plain.p50_ms, 3) for r in results[1:]},
        "ratio_p90": {r.server: round(r.p90_ms / plain.p90_ms, 3) for r in results[1:]},
    }


def print_table(results: list[Latency], summary: dict[str, Any]) -> None:
    columns = ("p50_ms", "p90_ms", "min_ms", "max_ms")
    print(f"{'time to first delta':26}" + "".join(f"{name:>10}" for name in columns) + "     ratio")
    for result in results:
        cells = "".join(f"{getattr(result, name):10.1f}" for name in columns)
        ratio = summary["ratio_p50"].get(result.server, 1.0)
        print(f"{result.server:26}{cells}{ratio:9.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50, help="runs of each server")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "run_overhead.json")
    options = parser.parse_args()
    results = asyncio.run(run(options.rounds))
    summary = report(results)
    print_table(results, summary)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
