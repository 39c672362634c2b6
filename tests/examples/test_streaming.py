"""The example of the runtime alone: built as its README says, and streamed under the emulator."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from sidestream.local.emulator import FunctionSpec, FunctionUrl, InvokeMode
from tests.deployment.conftest import ROOT, deploy_tools  # noqa: F401

pytestmark = pytest.mark.slow

EXAMPLE = Path("examples/streaming")
TASK = Path("/var/task")


def commands() -> list[str]:
    """What the README tells to type."""
    found = re.search(r"```sh\n(.*?)```", (ROOT / EXAMPLE / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1].splitlines()


@pytest.fixture(scope="module")
def built(deploy_tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A copy of the example after the README's commands, all but the one that deploys."""
    *local, deploy = commands()
    assert deploy.startswith("sam deploy")
    copy = tmp_path_factory.mktemp("example")
    ignored = shutil.ignore_patterns("__pycache__", ".aws-sam", "streaming")
    shutil.copytree(ROOT / "src/sidestream/streaming", copy / "src/sidestream/streaming")
    shutil.copytree(ROOT / EXAMPLE, copy / EXAMPLE, ignore=ignored)
    path = (deploy_tools / "sam/bin", Path(sys.executable).parent, os.environ["PATH"])
    done = subprocess.run(
        ["bash", "-euc", "\n".join(local)],
        cwd=copy / EXAMPLE,
        env={
            **os.environ,
            "PATH": ":".join(map(str, path)),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / EXAMPLE / ".aws-sam/build/CountFunction"


@pytest_asyncio.fixture
async def function(built: Path) -> AsyncIterator[FunctionUrl]:
    """The function as its template describes it."""
    template = cfn_yaml.load(str(ROOT / EXAMPLE / "template.yaml"))
    properties = template["Resources"]["CountFunction"]["Properties"]
    variables = dict(properties["Environment"]["Variables"])
    wrapper = Path(variables.pop("AWS_LAMBDA_EXEC_WRAPPER")).relative_to(TASK)
    spec = FunctionSpec(
        name="CountFunction",
        command=(),
        handler=properties["Handler"],
        env={**variables, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=built,
        timeout_s=properties["Timeout"],
        invoke_mode=InvokeMode(properties["FunctionUrlConfig"]["InvokeMode"]),
        exec_wrapper=built / wrapper,
    )
    async with FunctionUrl(spec) as running:
        yield running


async def test_it_counts(function: FunctionUrl) -> None:
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{function.url}/?2")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text == "data: 1\n\ndata: 2\n\n"


async def test_the_first_number_is_there_before_the_last_is_made(function: FunctionUrl) -> None:
    """The function is killed when its first number has come: the last was not made yet."""
    heard: list[str] = []
    async with (
        httpx2.AsyncClient(timeout=30) as client,
        client.stream("GET", f"{function.url}/?60") as answer,
    ):
        with suppress(httpx2.RemoteProtocolError):
            async for text in answer.aiter_text():
                heard.append(text)
                for environment in function.environments:
                    environment.kill()
    assert heard[0].startswith("data: 1\n\n")
    assert "data: 60" not in "".join(heard)


def test_the_build_has_the_app_and_the_runtime_alone(built: Path) -> None:
    assert {path.name for path in built.iterdir()} == {"app.py", "streaming"}
    assert os.access(built / "streaming/stream-runtime", os.X_OK)
