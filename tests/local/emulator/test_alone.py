"""The emulator's folder, copied alone into another project, serves that project's functions."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

import sidestream.local.emulator
from tests.local.emulator.support import FUNCTIONS, RUNTIME

FROM_CODE = """
import asyncio, sys
from pathlib import Path
from fake_lambda import FunctionSpec, FunctionUrl
import httpx2

async def main():
    command = tuple(sys.argv[1:])
    spec = FunctionSpec("lifted", command, "custom.handler", env={}, cwd=Path.cwd())
    async with FunctionUrl(spec) as function, httpx2.AsyncClient(base_url=function.url) as client:
        print((await client.get("/lines")).status_code)
    print([name for name in sys.modules if name.startswith("sidestream")])

asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Another project, which has the emulator under a name of its own."""
    source = Path(sidestream.local.emulator.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, tmp_path / "fake_lambda", ignore=ignored)
    return tmp_path


async def test_from_code_it_shows_what_the_function_prints(project: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FROM_CODE, *RUNTIME),
        cwd=project,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, shown = await process.communicate()
    assert output.decode().splitlines() == ["200", "[]"]
    assert b"lifted: short\n" in shown
    assert b"lifted: REPORT RequestId: " in shown


@asynccontextmanager
async def served(project: Path, *arguments: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A function that the command serves: its URL, and what is shown, complete after the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fake_lambda", *arguments),
        cwd=project,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    shown: list[str] = []
    try:
        yield (await process.stdout.readline()).decode().strip(), shown
    finally:
        process.terminate()
        _, text = await process.communicate()
        shown += text.decode().splitlines()
    assert process.returncode == 0, shown


async def test_from_a_shell_a_handler_runs_under_awss_client(project: Path) -> None:
    arguments = (str(FUNCTIONS), "--handler", "handlers.echo", "--env", "PYTHONDONTWRITEBYTECODE=1")
    async with served(project, *arguments) as (url, shown), httpx2.AsyncClient() as client:
        assert (await client.get(url, timeout=30)).headers["x-answer"] == "42"
    assert any(line.startswith("functions: REPORT RequestId: ") for line in shown)


async def test_from_a_shell_a_wrapper_may_stream(project: Path) -> None:
    wrapper = project / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "name=$NAME"\nexec {RUNTIME[0]} {RUNTIME[1]}\n')
    wrapper.chmod(0o755)
    arguments = (
        ".",
        "--wrapper",
        "wrapper",
        "--invoke-mode",
        "RESPONSE_STREAM",
        "--env",
        "NAME=x=y",
    )
    async with served(project, *arguments) as (url, shown), httpx2.AsyncClient() as client:
        response = await client.get(f"{url}/flood?pieces=1", timeout=30)
        assert response.headers["transfer-encoding"] == "chunked"
    assert f"{project.name}: name=x=y" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--handler", "a.b"), "nowhere is not a folder"),
        ((".",), "needs --wrapper or --handler"),
        ((".", "--handler", "a.b", "--env", "NAME"), "--env NAME is not NAME=VALUE"),
        ((".", "--wrapper", "missing"), "Runtime.InvalidEntrypoint"),
    ],
)
async def test_what_cannot_be_served_is_told(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fake_lambda", *arguments),
        cwd=project,
        stderr=asyncio.subprocess.PIPE,
    )
    _, shown = await process.communicate()
    assert process.returncode in (1, 2)
    assert said in shown.decode()
    assert "Traceback" not in shown.decode()
