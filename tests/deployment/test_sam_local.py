"""`sam local` as a developer types it: the built template as it is, against a running system.

Collected only where a container engine answers (see `conftest.py`). The functions start for real,
from their zip layout, exec wrapper and layers included, and reach the system's database, tools,
model and Secrets Manager. AWS's emulator shows a streamed response raw and in one piece.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import httpx2
import pytest
import pytest_asyncio
from botocore.config import Config

from sidestream.cli.lambda_answer import LambdaAnswer
from sidestream.local import sam_cli
from sidestream.local.engine import engine_socket
from sidestream.local.ports import free_port
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.system import LocalSystem
from tests.command import run
from tests.deployment.built import Built
from tests.deployment.conftest import ROOT
from tests.system import running

pytestmark = pytest.mark.slow

SHELL = {"DOCKER_HOST": os.environ.get("DOCKER_HOST", "")}
EVENTS = {path.stem: path.read_bytes() for path in sorted((ROOT / "tests/events").glob("*.json"))}
STATUSES = {
    "chat_run": 404,
    "chat_run_events": 404,
    "chat_stop": 404,
    "mcp_get": 405,
    "mcp_initialize": 401,  # an MCP token lives for a minute: `sidestream invoke` makes one
    "mcp_tools_call": 401,
    "tasks_add": 201,
    "tasks_delete": 404,
    "tasks_get": 404,
    "tasks_update": 404,
}
"""What the events get that do not get 200: their threads and tasks are none of this system's."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system(postgres: EmbeddedPostgres) -> AsyncIterator[LocalSystem]:
    """A system that lets containers in."""
    async with running(postgres, engine=engine_socket()) as started:
        yield started


@pytest.fixture(scope="module")
def checkout(built: Built, system: LocalSystem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a checkout is after `make build`, with `make run` running."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    (folder / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    (folder / ".aws-sam").mkdir()
    (folder / ".aws-sam/build").symlink_to(built.folder)
    (folder / ".local").symlink_to(system.options.folder)
    return folder


@pytest.fixture(scope="module")
def sam(deploy_tools: Path) -> Path:
    """The SAM CLI."""
    return deploy_tools / "sam/bin/sam"


def read(output: bytes) -> LambdaAnswer:
    """What a function answered."""
    answer = LambdaAnswer.read(output)
    assert answer is not None, output
    return answer


def titles(system: LocalSystem, user_id: str) -> list[str]:
    """What is on a user's list, by the emulated function."""
    headers = {"authorization": f"Bearer {system.token(user_id)}"}
    answer = httpx2.get(f"{system.tools.url}/api/{user_id}/tasks", headers=headers)
    return [task["title"] for task in answer.raise_for_status().json()["data"]]


def invoke(sam: Path, checkout: Path, event: str) -> bytes:
    """What ChatFunction answers to the command that a developer types."""
    done = subprocess.run(
        [sam, "local", "invoke", "ChatFunction", "-e", ROOT / f"tests/events/{event}.json"],
        cwd=checkout,
        env=sam_cli.environment(),
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_bare_command_plays_a_whole_run(
    checkout: Path, sam: Path, system: LocalSystem
) -> None:
    answer = read(await asyncio.to_thread(invoke, sam, checkout, "chat_plain"))
    assert answer.status == 200
    assert "event: mcp_tool\n" in answer.body
    assert '"type":"done"' in answer.body.rstrip().splitlines()[-1]
    assert "دودھ" in await asyncio.to_thread(titles, system, "alice")


async def test_our_command_makes_the_event_and_shows_the_answer(
    built: Built, system: LocalSystem
) -> None:
    done = await asyncio.to_thread(
        run,
        *("invoke", "chat", "--user", "bob", "--message", 'add "tea & milk"'),
        *("--folder", system.options.folder, "--template", built.folder / "template.yaml"),
        env=SHELL,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 OK\n")
    assert "\nevent: mcp_tool\n" in done.stdout
    assert '"type":"done"' in done.stdout
    [title] = await asyncio.to_thread(titles, system, "bob")
    assert "tea & milk" in title


async def test_our_command_knows_the_token_of_the_tools(built: Built, system: LocalSystem) -> None:
    done = await asyncio.to_thread(
        run,
        *("invoke", "tasks", "--event", "mcp_tools_call"),
        *("--folder", system.options.folder, "--template", built.folder / "template.yaml"),
        env=SHELL,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 OK\n")
    assert '"structuredContent"' in done.stdout


@pytest.fixture(scope="module")
def endpoint(checkout: Path, sam: Path) -> Iterator[str]:
    """The address of `sam local start-lambda`, which keeps one container for each function."""
    port = free_port()
    process = subprocess.Popen(
        [sam, "local", "start-lambda", "--port", str(port)],
        cwd=checkout,
        env=sam_cli.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            assert process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def invoked(endpoint: str, function: str, payload: bytes) -> bytes:
    """What `aws lambda invoke` gets."""
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(read_timeout=180, retries={"total_max_attempts": 1}),
    )
    answer: bytes = client.invoke(FunctionName=function, Payload=payload)["Payload"].read()
    return answer


@pytest.mark.parametrize("name", EVENTS)
async def test_an_event_is_answered(name: str, endpoint: str) -> None:
    event = EVENTS[name]
    function = "TasksFunction" if name.startswith(("tasks_", "mcp_")) else "ChatFunction"
    got = read(await asyncio.to_thread(invoked, endpoint, function, event))
    assert got.status == STATUSES.get(name, 200), got
    assert got.status < 400 or name == "mcp_get" or json.loads(got.body)["request_id"]


def test_the_files_hold_no_password(system: LocalSystem) -> None:
    there = system.options.folder / "sam"
    assert {path.name for path in there.iterdir()} >= {"env.json", "parameters.yaml"}
    assert "postgresql://" not in (there / "env.json").read_text()
