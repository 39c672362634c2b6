"""`sam local invoke` of both built functions on every captured event.

Collected only where a container engine answers (see `conftest.py`). The functions start for real,
from their zip layout, exec wrapper and layers included; Postgres and the other services are out of
their reach, so an event is answered with what that means for it. SAM's emulator shows a streamed
response raw: the prelude, eight NULs, the body.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from sidestream.local.ports import free_port
from tests.deployment.built import LAYERS, Built
from tests.deployment.conftest import ROOT

pytestmark = pytest.mark.slow

SETTINGS = {
    "STAGE": "sam-local",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "TOOL_SIGNING_KEY": "t" * 32,
    "SESSION_SIGNING_KEY": "s" * 32,
    "AUTH_ISSUERS": "[]",
    "TOOLS_MCP_URL": "http://127.0.0.1:1/mcp",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}
RUNTIME = ("AWS_LAMBDA_EXEC_WRAPPER", "STREAM_APP")
EVENTS = sorted((ROOT / "tests/events").glob("*.json"))


@pytest.fixture(scope="module")
def plain_template(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built template with settings in place of the secrets that are not here."""
    template = json.loads(
        json.dumps(cfn_yaml.load(str(built.folder / "template.yaml")), default=str)
    )
    template["Globals"]["Function"]["Environment"]["Variables"] = SETTINGS
    for name in ("ChatFunction", "TasksFunction"):
        properties = template["Resources"][name]["Properties"]
        given = properties["Environment"]["Variables"] if name == "ChatFunction" else {}
        runtime = {key: given[key] for key in RUNTIME if key in given}
        properties["Environment"] = {"Variables": runtime}
        properties["CodeUri"] = str(built.code(name))
    for name in LAYERS.values():
        template["Resources"][name]["Properties"]["ContentUri"] = str(built.folder / name)
    path = tmp_path_factory.mktemp("sam-local") / "template.json"
    path.write_text(json.dumps(template))
    return path


def sam_environment() -> dict[str, str]:
    """Without the last two, looking up the account retries for seconds."""
    return {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    }


def read(output: str) -> dict[str, Any]:
    """Read a function's answer as `{"statusCode": ..., "body": ...}`."""
    prelude, nuls, body = output.partition("\0" * 8)
    answer: dict[str, Any] = json.loads(prelude[prelude.index("{") :])
    if nuls:
        answer["body"] = body
    return answer


def function_of(event: Path) -> str:
    """Which function an event is for, by its file's name."""
    return "TasksFunction" if event.stem.startswith(("tasks_", "mcp_")) else "ChatFunction"


@pytest.mark.parametrize("function", ["ChatFunction", "TasksFunction"])
def test_sam_local_invoke(plain_template: Path, deploy_tools: Path, function: str) -> None:
    done = subprocess.run(
        [
            *(deploy_tools / "sam/bin/sam", "local", "invoke", function, "--skip-pull-image"),
            *("--template", plain_template, "--event", ROOT / "tests/events/healthz.json"),
            *("--parameter-overrides", "Architecture=x86_64"),
        ],
        cwd=plain_template.parent,
        env=sam_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answer = read(done.stdout)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"status": "ok"}


@pytest.fixture(scope="module")
def endpoint(plain_template: Path, deploy_tools: Path) -> Iterator[str]:
    """The address of `sam local start-lambda`, which keeps one container for each function."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(deploy_tools / "sam/bin/sam", "local", "start-lambda", "--skip-pull-image"),
            *("--template", plain_template, "--port", str(port), "--warm-containers", "LAZY"),
            *("--parameter-overrides", "Architecture=x86_64"),
        ],
        cwd=plain_template.parent,
        env=sam_environment(),
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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stem)
def test_an_event_is_answered(event: Path, endpoint: str) -> None:
    path = f"/2015-03-31/functions/{function_of(event)}/invocations"
    response = httpx2.post(endpoint + path, content=event.read_bytes(), timeout=180)
    answer = read(response.content.decode())

    if event.stem == "healthz":
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"]) == {"status": "ok"}
    elif event.stem == "mcp_get":
        assert answer["statusCode"] == 405
    else:  # the token of an event is of another system, and the database is out of reach
        assert answer["statusCode"] in (200, 401, 503), answer
        assert answer["statusCode"] == 200 or json.loads(answer["body"])["request_id"]
