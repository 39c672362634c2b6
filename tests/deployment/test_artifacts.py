"""What `sam build` makes works without the source tree, on Linux, which it is made for."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from sidestream.local.emulator import FunctionUrl, invoke
from sidestream.local.system import LocalSystem
from tests.deployment.built import Built
from tests.deployment.conftest import ROOT

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Running:
    """Both functions from the artifacts, with the system's database and model."""

    chat: FunctionUrl
    tasks: FunctionUrl
    lines: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(built: Built, system: LocalSystem) -> AsyncIterator[Running]:
    lines: list[str] = []

    def note(_name: str, line: str) -> None:
        lines.append(line)

    async with AsyncExitStack() as stack:
        tasks = FunctionUrl(built.spec(system.tools.spec), note)
        await tasks.start()
        stack.push_async_callback(tasks.stop)
        spec = built.spec(system.chat.spec)
        environment = {**spec.env, "TOOLS_MCP_URL": f"{tasks.url}/mcp"}
        chat = FunctionUrl(replace(spec, env=environment), note)
        await chat.start()
        stack.push_async_callback(chat.stop)
        await asyncio.gather(chat.warm(), tasks.warm())
        yield Running(chat, tasks, lines)


async def test_a_turn_works_from_the_artifacts(running: Running, system: LocalSystem) -> None:
    bearer = {"Authorization": f"Bearer {system.token('built')}", "Accept-Language": "ur"}
    async with httpx2.AsyncClient(headers=bearer, timeout=60) as client:
        answer = await client.post(
            f"{running.chat.url}/api/built/chat", json={"message": "add milk"}
        )
        listed = await client.get(f"{running.tasks.url}/api/built/tasks")
    frames = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data:")]
    assert frames[-1]["type"] == "done"
    assert [task["title"] for task in listed.json()["data"]] == ["milk"]


async def test_the_artifacts_import_nothing_from_the_source_tree(running: Running) -> None:
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"{running.chat.url}/healthz")).json() == {"status": "ok"}
    assert not any(str(ROOT / "src") in line for line in running.lines)
    assert not any(str(ROOT / ".venv") in line for line in running.lines)


def test_the_start_went_the_lean_way(built: Built) -> None:
    """In the artifacts too: a fallback there would go unseen."""
    program = (
        "import sys; from sidestream.chat.start.lean_imports import import_sdks; "
        "assert import_sdks(); "
        "import sidestream.chat.handler; print('mcp' in sys.modules, sidestream.chat.__file__)"
    )
    path = f"{built.code('ChatFunction')}:{built.layer('ChatFunction') / 'python'}"
    done = subprocess.run(
        [built.python, "-P", "-c", program],
        env={"PYTHONPATH": path, "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("False ")
    assert str(built.folder) in done.stdout


async def test_tidying_works_from_the_artifacts(built: Built, system: LocalSystem) -> None:
    lines: list[str] = []
    gone = await invoke(built.spec(system.tidying), {"source": "aws.events"}, lines.append)
    assert isinstance(gone, dict)
    assert any('"message":"tidied"' in line for line in lines)
    assert not any(str(ROOT / "src") in line for line in lines)
