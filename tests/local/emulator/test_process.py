"""Function processes: environment, output, and that none survives the emulator."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sidestream.local.emulator import FunctionSpec
from tests.local.emulator.support import (
    BUFFERED,
    FUNCTIONS,
    RUNTIME,
    Deploy,
    eventually,
    process_state,
)

HARD_KILLED = """
import asyncio, sys
from pathlib import Path
from typing import Any
from sidestream.local.emulator import FunctionSpec, FunctionUrl

async def main():
    spec = FunctionSpec("doomed", tuple(sys.argv[2:]), "h", {}, Path(sys.argv[1]), freeze=True)
    url = FunctionUrl(spec, min_environments=2)
    await url.start()
    print(*(environment.pid for environment in url.environments), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_environment_is_lambda_s_and_not_the_developer_s(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPER_SECRET", "leaked")
    function = await deploy(
        BUFFERED, env={"OWN": "1", "AWS_REGION": "eu-west-1", "_HANDLER": "other"}
    )
    seen = (await function.get("/echo")).json()
    env = seen["env"]
    assert (
        env.items()
        >= {
            "OWN": "1",
            "_HANDLER": "custom.handler",
            "AWS_REGION": "eu-west-1",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "buffered",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "Text",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/buffered",
            "LAMBDA_TASK_ROOT": str(FUNCTIONS),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "TZ": ":UTC",
            "PATH": os.environ["PATH"],
        }.items()
    )
    assert env["AWS_LAMBDA_RUNTIME_API"].startswith("127.0.0.1:")
    assert "DEVELOPER_SECRET" not in env
    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in env
    assert seen["cwd"] == str(FUNCTIONS)


async def test_exec_wrapper_is_started_as_the_managed_runtime_does(
    deploy: Deploy, tmp_path: Path
) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "argv: $*"\nexec {RUNTIME[0]} {RUNTIME[1]} "$@"\n')
    wrapper.chmod(0o755)
    function = await deploy(BUFFERED, command=(), exec_wrapper=wrapper)
    seen = (await function.get("/echo")).json()
    assert await function.line("argv:") == f"argv: {sys.executable} /var/runtime/bootstrap.py"
    assert seen["env"]["AWS_LAMBDA_EXEC_WRAPPER"] == str(wrapper)
    assert seen["pid"] == function.url.invocations[-1].environment_pid


async def test_every_line_is_passed_on_whole(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    await function.get("/lines")
    (environment,) = function.url.environments
    environment.kill()
    await function.line("no newline at the end")
    printed = [line for line in function.lines if not line.startswith("REPORT")]
    assert printed == ["short", "x" * 200_000, "to stderr", "one", "two", "no newline at the end"]


async def test_a_killed_emulator_takes_frozen_environments_with_it(tmp_path: Path) -> None:
    emulator = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HARD_KILLED, str(tmp_path), *RUNTIME, stdout=asyncio.subprocess.PIPE
    )
    assert emulator.stdout is not None
    pids = [int(pid) for pid in (await emulator.stdout.readline()).split()]
    assert len(pids) == 2
    await eventually(lambda: all(process_state(pid) == "stopped" for pid in pids))
    emulator.send_signal(signal.SIGKILL)
    await emulator.wait()
    await eventually(lambda: all(process_state(pid) == "dead" for pid in pids))


@pytest.mark.parametrize(
    "wrong",
    [{"command": ()}, {"max_environments": 0}, {"max_concurrency": -1}, {"timeout_s": 0.0}],
)
def test_specs_that_cannot_work(wrong: dict[str, Any]) -> None:
    settings: dict[str, Any] = {
        "name": "f",
        "command": RUNTIME,
        "handler": "h",
        "env": {},
        "cwd": FUNCTIONS,
    }
    with pytest.raises(ValueError, match=r"needs|positive"):
        FunctionSpec(**settings | wrong)
