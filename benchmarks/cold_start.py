"""What a cold start costs, on the artifacts that `sam build` makes.

Start: importing and initialising ChatFunction (settings, pool, sign-in keys, the scripted run)
against plainly importing what it is made of: fastapi, openai-agents, openai-chatkit and psycopg.
Both run from the same dependency layer, with bytecode, in turns, each in a process of its own.

First run: the first run of a fresh environment against its tenth, through the emulator, with a
model that does not wait.

    python -m benchmarks.cold_start [--build FOLDER] [--rounds 5] [--output results.json]

Exit code 1 when a target is missed.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import boto3
import httpx2

from sidestream.cli.events import events_async
from sidestream.local.emulator import FunctionSpec, FunctionUrl
from sidestream.local.emulator.variables import REGION
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
PYTHON = ROOT / ".tools/runtime/bin/python"  # AWS's managed runtime has these packages, no others
TARGET_RATIO = 0.65
TARGET_FIRST_RUN_MS = 20.0
RUNS = 10
HERE = "Arm64" if platform.machine() in ("arm64", "aarch64") else "X86"
SECRETS = ("DATABASE_URL", "OPENAI_API_KEY", "SESSION_SIGNING_KEY", "TOOL_SIGNING_KEY")

PLAIN = "import fastapi, agents, chatkit.server, psycopg"
OURS = """
import asyncio
import sidestream.streaming.runtime
from sidestream.chat.handler import app
from sidestream.streaming.lifespan import Lifespan
asyncio.run(Lifespan(app()).startup())
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Medians. Seconds of the starts; milliseconds of the first run and the tenth."""

    plain_s: float
    ours_s: float
    with_secrets_s: float
    """Our start with the four secrets read from the local system's Secrets Manager."""
    first_run_ms: float
    tenth_run_ms: float

    @property
    def ratio(self) -> float:
        """Our start as a share of the plain imports."""
        return self.ours_s / self.plain_s

    @property
    def extra_ms(self) -> float:
        """What the first run takes longer than the tenth."""
        return self.first_run_ms - self.tenth_run_ms

    @property
    def kept(self) -> bool:
        """Whether both targets are met."""
        return self.ratio <= TARGET_RATIO and self.extra_ms <= TARGET_FIRST_RUN_MS


def build(folder: Path) -> None:
    """Build from clean."""
    subprocess.run([ROOT / "scripts/deploy-tools"], check=True)
    command: list[str | Path] = [
        ROOT / "scripts/build",
        "--build-dir",
        folder,
        "--cache-dir",
        f"{folder}.cache",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_s(program: str, path: str, environment: dict[str, str]) -> float:
    """Run a program in a fresh process; give the seconds it took, without the interpreter's."""
    timed = f"import time; _t = time.perf_counter()\n{program}\nprint(time.perf_counter() - _t)"
    done = subprocess.run(
        [PYTHON, "-P", "-c", timed],
        env={**environment, "PYTHONPATH": path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])


def with_secrets(environment: dict[str, str], aws: str) -> dict[str, str]:
    """The environment with its secrets in Secrets Manager, as they are on AWS."""
    client = boto3.client(
        "secretsmanager",
        endpoint_url=aws,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106
    )
    by_arn = {
        **environment,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": aws,
    }
    for name in SECRETS:
        secret = client.create_secret(Name=f"bench/{name}", SecretString=by_arn.pop(name))
        by_arn[f"{name}_SECRET_ARN"] = secret["ARN"]
    client.close()
    return by_arn


def built(spec: FunctionSpec, folder: Path, layer: str) -> FunctionSpec:
    """A function of the local system, from the artifacts."""
    packages = str(folder / layer / "python")
    code = folder / spec.name
    command = (str(PYTHON), "-m", "awslambdaric", spec.handler) if spec.command else ()
    path = packages if spec.exec_wrapper else f"{code}:{packages}"
    environment = {**spec.env, "PYTHONPATH": path}
    return replace(spec, command=command, env=environment, cwd=code, python=str(PYTHON), port=0)


async def runs_ms(system: LocalSystem, folder: Path) -> list[float]:
    """Start a fresh environment of each function and give the times to its runs' first words."""
    async with AsyncExitStack() as stack:
        tasks = FunctionUrl(built(system.tools.spec, folder, f"TasksDependencies{HERE}"), _ignore)
        await tasks.start()
        stack.push_async_callback(tasks.stop)
        spec = built(system.chat.spec, folder, f"ChatDependencies{HERE}")
        spec = replace(spec, env={**spec.env, "TOOLS_MCP_URL": f"{tasks.url}/mcp"})
        chat = FunctionUrl(spec, _ignore)
        await chat.start()
        stack.push_async_callback(chat.stop)
        await asyncio.gather(chat.warm(), tasks.warm())
        bearer = {"Authorization": f"Bearer {system.token('bench')}"}
        client = httpx2.AsyncClient(base_url=chat.url, headers=bearer, timeout=60)
        await stack.enter_async_context(client)
        return [await _first_word_ms(client) for _ in range(RUNS)]


async def _first_word_ms(client: httpx2.AsyncClient) -> float:
    started = time.perf_counter()
    first_ms = None
    async with client.stream("POST", "/api/bench/chat", json={"message": "hello"}) as response:
        response.raise_for_status()
        async for event in events_async(response):
            if first_ms is None and event["type"] == "chunk":
                first_ms = (time.perf_counter() - started) * 1000
    assert first_ms is not None
    return first_ms


def _ignore(_name: str, _line: str) -> None:
    """Take a log line."""


async def measure(folder: Path, rounds: int) -> Result:
    """Measure everything, the sides of each comparison in turns."""
    packages = str(folder / f"ChatDependencies{HERE}/python")
    with tempfile.TemporaryDirectory() as state:
        os.chmod(state, 0o755)  # noqa: S103 - Postgres may run as another user
        options = LocalOptions(
            folder=Path(state),
            chat_port=0,
            tools_port=0,
            web_port=0,
            settings={"REQUESTS_PER_MINUTE": "0"},
            model_delay_ms=0,
        )
        async with LocalSystem(options) as system:
            environment = dict(system.chat.spec.env)
            path = f"{folder / 'ChatFunction'}:{packages}"
            by_arn = await asyncio.to_thread(with_secrets, environment, system.endpoints.aws)
            plain, ours, secret, first, tenth = [], [], [], [], []
            for number in range(rounds + 1):
                times = (
                    await asyncio.to_thread(start_s, PLAIN, packages, environment),
                    await asyncio.to_thread(start_s, OURS, path, environment),
                    await asyncio.to_thread(start_s, OURS, path, by_arn),
                )
                if number:  # the first round fills the page cache
                    plain.append(times[0])
                    ours.append(times[1])
                    secret.append(times[2])
            for _ in range(rounds):
                runs = await runs_ms(system, folder)
                first.append(runs[0])
                tenth.append(runs[-1])
    return Result(*(statistics.median(values) for values in (plain, ours, secret, first, tenth)))


def main() -> int:
    """Measure, print, write. Gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--build", type=Path, help="artifacts that are there already")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS / "cold_start.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.build or Path(scratch) / "build"
        if not options.build:
            build(folder)
        result = asyncio.run(measure(folder, options.rounds))
    print(f"plain imports        {result.plain_s:.3f} s")
    print(f"ChatFunction's start {result.ours_s:.3f} s")
    print(f"  ratio              {result.ratio:.2f} (at most {TARGET_RATIO})")
    print(f"  reading secrets    {result.with_secrets_s:.3f} s")
    print(f"first run            {result.first_run_ms:.1f} ms")
    print(f"tenth run            {result.tenth_run_ms:.1f} ms")
    print(f"  difference         {result.extra_ms:+.1f} ms (at most {TARGET_FIRST_RUN_MS:.0f} ms)")
    figures = {**asdict(result), "ratio": result.ratio, "extra_ms": result.extra_ms}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({**figures, "kept": result.kept}, indent=2) + "\n")
    return 0 if result.kept else 1


if __name__ == "__main__":
    sys.exit(main())
