"""What `sam build` makes: complete, small, compiled, and working without the source tree."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import yaml

from sidestream.local.emulator import FunctionUrl
from sidestream.local.system import LocalSystem
from tests.deployment.built import Built, size_bytes
from tests.deployment.conftest import ROOT

pytestmark = pytest.mark.slow

MB = 1_000_000
BUDGETS = {
    "ChatDependencies": 105 * MB,
    "TasksDependencies": 65 * MB,
    "ChatFunction": 4 * MB,
    "TasksFunction": 4 * MB,
}
CHAT_LIMIT = 120 * MB
ANCHORS = (yaml.AnchorToken, yaml.AliasToken)


@pytest.mark.parametrize("part", BUDGETS)
def test_a_part_keeps_to_its_budget(built: Built, part: str) -> None:
    assert size_bytes(built.folder / part) < BUDGETS[part]


def test_the_chat_with_its_layers_is_small(built: Built) -> None:
    parts = [built.code("ChatFunction"), built.layer("ChatFunction"), ROOT / "layers/runtime"]
    assert sum(size_bytes(part) for part in parts) < CHAT_LIMIT


@pytest.mark.parametrize("part", BUDGETS)
def test_the_sizes_in_the_docs_are_right(built: Built, part: str) -> None:
    documented = re.search(rf"`{part}` \| ([\d.]+) MB", (ROOT / "docs/operations.md").read_text())
    assert documented is not None
    actual_mb = size_bytes(built.folder / part) / MB
    assert float(documented[1]) == pytest.approx(actual_mb, rel=0.1, abs=0.5)


@pytest.mark.parametrize("part", BUDGETS)
def test_every_module_has_its_bytecode(built: Built, part: str) -> None:
    """PEP 552: flags 1 is hash-based and unchecked, which a zip's lost times cannot void."""
    folder = built.folder / part
    modules = list(folder.rglob("*.py"))
    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        if not compiled.exists() and b"lib2to3" in module.read_bytes():
            continue
        assert compiled.exists(), module
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1, module


def test_what_only_a_laptop_needs_stays_there(built: Built) -> None:
    for function in ("ChatFunction", "TasksFunction"):
        package = built.code(function) / "sidestream"
        assert not (package / "local").exists()
        assert not (package / "cli").exists()
        assert (package / "locale").exists()
        assert sorted(built.code(function).iterdir()) == [package]


def test_what_the_runtime_brings_is_not_brought_again(built: Built) -> None:
    for function in ("ChatFunction", "TasksFunction"):
        packages = {path.name for path in (built.layer(function) / "python").iterdir()}
        assert not packages & {"boto3", "botocore", "urllib3", "jmespath", "awslambdaric"}
        assert not packages & {"pytest", "moto", "uv", "typer", "bin"}


def test_the_built_template_stands_alone(built: Built) -> None:
    """CloudFormation knows no YAML anchors; the source uses them, the build has to resolve them."""
    text = (built.folder / "template.yaml").read_text()
    assert not [token for token in yaml.scan(text) if isinstance(token, ANCHORS)]
    assert "CodeUri: ChatFunction" in text


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
        tasks = FunctionUrl(built.spec(system.tasks.spec), note)
        await tasks.start()
        stack.push_async_callback(tasks.stop)
        spec = built.spec(system.chat.spec)
        environment = {**spec.env, "TASKS_MCP_URL": f"{tasks.url}/mcp"}
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
        "import sys; from sidestream.chat.lean_imports import import_sdks; assert import_sdks(); "
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
