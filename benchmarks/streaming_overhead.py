"""What the Lambda path costs per chunk: the runtime behind the emulator against plain uvicorn.

The same app sends the same small chunks, at the pace of a fast model, through both. A chunk's delay
is the time from before the app's `send` to the client's `read`. Rounds alternate, so that whatever
else the machine does hits both alike.

    python -m benchmarks.streaming_overhead --rounds 5 --output results.json
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import sidestream.streaming
from benchmarks.stamped_app import STAMP_BYTES
from benchmarks.uvicorn_server import under_uvicorn
from sidestream.local.emulator.function import FunctionSpec, InvokeMode
from sidestream.local.emulator.url import FunctionUrl

HERE = Path(__file__).parent
WRAPPER = Path(sidestream.streaming.__file__).parent / "stream-runtime"
APP = "stamped_app:app"
TARGET_OVERHEAD_US = 300.0


@dataclass(frozen=True, slots=True)
class Delays:
    """The delays of one server's chunks, in microseconds."""

    server: str
    chunks: int
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    first_byte_us: float

    @classmethod
    def of(cls, server: str, delays_us: list[float], first_bytes_us: list[float]) -> "Delays":
        cuts = statistics.quantiles(delays_us, n=100)
        return cls(
            server,
            len(delays_us),
            p50_us=cuts[49],
            p90_us=cuts[89],
            p99_us=cuts[98],
            max_us=max(delays_us),
            first_byte_us=statistics.median(first_bytes_us),
        )


async def measure(port: int, query: str, size: int) -> tuple[list[float], float]:
    """Read one response; its chunks' delays, and the time to its first byte, in microseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent_ns = time.monotonic_ns()
    writer.write(f"GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    first_byte_us = (time.monotonic_ns() - sent_ns) / 1000
    if b"chunked" not in head.lower():
        raise RuntimeError(f"not a streamed response: {head!r}")
    delays_us = []
    while chunk_bytes := int(await reader.readuntil(b"\r\n"), 16):
        data = await reader.readexactly(chunk_bytes + 2)
        arrived_ns = time.monotonic_ns()
        if chunk_bytes == size:
            delays_us.append((arrived_ns - int(data[:STAMP_BYTES])) / 1000)
    writer.close()
    return delays_us, first_byte_us


@asynccontextmanager
async def behind_the_emulator() -> AsyncIterator[str]:
    spec = FunctionSpec(
        name="bench",
        command=(),
        handler="stream-runtime",
        env={"STREAM_APP": APP},
        cwd=HERE,
        exec_wrapper=WRAPPER,
        invoke_mode=InvokeMode.RESPONSE_STREAM,
        max_environments=1,
    )
    async with FunctionUrl(spec, lambda _name, _line: None, min_environments=1) as url:
        yield url.url


async def run(rounds: int, count: int, size: int, pause_us: int) -> list[Delays]:
    query = f"count={count}&size={size}&pause_us={pause_us}"
    plain = under_uvicorn(APP, {}, "--loop", "asyncio", "--http", "h11")
    async with plain as uvicorn, behind_the_emulator() as emulator:
        urls = {"uvicorn": uvicorn, "runtime + emulator": emulator}
        ports = {server: int(url.rpartition(":")[2]) for server, url in urls.items()}
        delays: dict[str, list[float]] = {server: [] for server in ports}
        first_bytes: dict[str, list[float]] = {server: [] for server in ports}
        for number in range(rounds + 1):
            for server, port in ports.items():
                delays_us, first_byte_us = await measure(port, query, size)
                # The first round warms up.
                if number:
                    delays[server] += delays_us
                    first_bytes[server].append(first_byte_us)
    return [Delays.of(server, delays[server], first_bytes[server]) for server in ports]


def report(uvicorn: Delays, runtime: Delays) -> dict[str, object]:
    overhead = {
        name: getattr(runtime, name) - getattr(uvicorn, name) for name in ("p50_us", "p99_us")
    }
    return {
        "servers": [asdict(uvicorn), asdict(runtime)],
        "overhead_p50_us": round(overhead["p50_us"], 1),
        "overhead_p99_us": round(overhead["p99_us"], 1),
        "ratio_p50": round(runtime.p50_us / uvicorn.p50_us, 2),
        "ratio_p99": round(runtime.p99_us / uvicorn.p99_us, 2),
        "target_overhead_p50_us": TARGET_OVERHEAD_US,
        "within_target": overhead["p50_us"] < TARGET_OVERHEAD_US,
    }


def print_table(results: list[Delays], summary: dict[str, object]) -> None:
    columns = ("p50_us", "p90_us", "p99_us", "max_us", "first_byte_us")
    print(f"{'delay per chunk':20}" + "".join(f"{name:>15}" for name in columns))
    for result in results:
        cells = "".join(f"{getattr(result, name):15.0f}" for name in columns)
        print(f"{result.server:20}{cells}")
    print(
        f"overhead: p50 {summary['overhead_p50_us']} us ({summary['ratio_p50']}x), "
        f"p99 {summary['overhead_p99_us']} us ({summary['ratio_p99']}x); "
        f"target p50 < {TARGET_OVERHEAD_US:.0f} us"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000, help="chunks per round")
    parser.add_argument("--size", type=int, default=64, help="bytes per chunk")
    parser.add_argument("--pause-us", type=int, default=2000, help="between two chunks")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "streaming_overhead.json")
    options = parser.parse_args()
    results = asyncio.run(run(options.rounds, options.count, options.size, options.pause_us))
    summary = report(*results)
    print_table(results, summary)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
