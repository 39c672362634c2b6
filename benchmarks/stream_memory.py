"""What an open stream costs in memory: the chat's resident set with 1, 20 and 100 of them.

Each stream stands in the middle of an answer, the same for all, in one process under uvicorn, held
there by the model. What was there before the first of them is taken off, after one that warms up.

    python -m benchmarks.stream_memory --rounds 3 --output results.json
"""

import argparse
import asyncio
import json
import statistics
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil  # type: ignore[import-untyped]

from benchmarks.system import open_system
from benchmarks.uvicorn_server import under_uvicorn
from sidestream.local.system import LocalSystem

RESULTS: Final = Path(__file__).parent / "results"
APP = "sidestream.chat.app:app"
STREAMS = (1, 20, 100)
WORDS = 200
HELD_AFTER = 100
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident set of the process with so many streams, and what each of them added."""

    streams: int
    process_mib: float
    per_stream_kib: float


async def stream(http: httpx2.AsyncClient) -> None:
    """Ask for an answer and read it to its end."""
    text = f"Tell me a story of {WORDS} words"
    message = {"content": [{"type": "input_text", "text": text}], "attachments": []}
    params: dict[str, Any] = {"input": message | {"inference_options": {}}}
    body = {"type": "threads.create", "params": params}
    async with http.stream("POST", "/api/chatkit", json=body) as response:
        response.raise_for_status()
        async for _ in response.aiter_raw():
            pass


async def resident(http: httpx2.AsyncClient, system: LocalSystem, streams: int) -> tuple[int, int]:
    """Bytes that the process has gained while so many streams are held, and all it has."""
    [process] = [each for each in psutil.Process().children(recursive=True) if APP in cmdline(each)]
    before = process.memory_info().rss
    system.model.hold(after_words=HELD_AFTER)
    running = [asyncio.create_task(stream(http)) for _ in range(streams)]
    async with asyncio.timeout(120):
        await system.model.until(lambda: system.model.held_streams == streams)
    held = process.memory_info().rss
    system.model.release()
    await asyncio.gather(*running)
    return int(held - before), int(held)


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


async def run(rounds: int) -> list[Memory]:
    """Measure each number of streams `rounds` times, each in a process of its own."""
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(open_system())
        headers = {"authorization": f"Bearer {system.token('bench')}"}
        found = []
        for streams in STREAMS:
            grown, held = [], []
            for _ in range(rounds):
                async with (
                    under_uvicorn(APP, system.chat.spec.env) as url,
                    httpx2.AsyncClient(
                        base_url=url,
                        headers=headers,
                        timeout=120,
                        limits=httpx2.Limits(max_connections=None),
                    ) as http,
                ):
                    await stream(http)
                    more, all_of_it = await resident(http, system, streams)
                    grown.append(more)
                    held.append(all_of_it)
            found.append(
                Memory(
                    streams,
                    round(statistics.median(held) / MIB, 1),
                    round(statistics.median(grown) / streams / 1024, 1),
                )
            )
        return found


def print_table(found: list[Memory]) -> None:
    print(f"{'streams':>8}{'process, MiB':>16}{'per stream, KiB':>18}")
    for each in found:
        print(f"{each.streams:8}{each.process_mib:16.1f}{each.per_stream_kib:18.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="processes for each number")
    parser.add_argument("--output", type=Path, default=RESULTS / "stream_memory.json")
    options = parser.parse_args()
    found = asyncio.run(run(options.rounds))
    print_table(found)
    summary: dict[str, Any] = {"streams": [asdict(each) for each in found]}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
