"""Secrets stay secret: not in logs, answers, errors of a start that fails, or the template."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import httpx2
import pytest

from sidestream.local.functions import SCRIPTED_MODEL_KEY
from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from tests.deployment.conftest import TEMPLATE

MARKER = "planted-5ecr3t-marker-"
SECRETS = ("DATABASE_URL", "TOOL_SIGNING_KEY", "SESSION_SIGNING_KEY", "OPENAI_API_KEY")


def planted() -> dict[str, str]:
    """A complete environment whose every secret carries the marker."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "STAGE": "secrets",
        "DATABASE_URL": f"postgresql://sidestream_app:{MARKER}db@127.0.0.1:1/none",
        "TOOL_SIGNING_KEY": f"{MARKER}tool-0123456789abcdef",
        "SESSION_SIGNING_KEY": f"{MARKER}session-0123456789abcdef",
        "OPENAI_API_KEY": f"{MARKER}openai",
        "AUTH_ISSUERS": "[]",
        "TOOLS_MCP_URL": "http://127.0.0.1:1/mcp",
    }


def start(program: str, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


CHAT = "from sidestream.chat.handler import app; app()"
TASKS = "import sidestream.tasks.handler"


@pytest.mark.parametrize("program", [CHAT, TASKS], ids=["chat", "tasks"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_ISSUERS", "{"),
        ("AUTH_ISSUERS", None),
        ("DATABASE_POOL_MAX", f"{MARKER}pool"),
        ("TOOL_SIGNING_KEY", "planted-5ecr3t-marker-"),
        ("DATABASE_URL", f'{{"username":"a","password":"{MARKER}"}}'),
        ("DATABASE_URL", MARKER),
        ("DATABASE_URL", f"postgresql://a:pw@{MARKER}@127.0.0.1/none"),
    ],
)
def test_a_start_that_fails_names_the_setting_and_shows_no_value(
    program: str, name: str, value: str | None
) -> None:
    environment = {**planted(), name: value} if value is not None else planted()
    if value is None:
        del environment[name]
    code, output = start(program, {key: text for key, text in environment.items() if text})
    assert code != 0
    assert f"The setting {name}" in output
    assert MARKER not in output


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_cannot_be_read_stops_the_start_and_shows_nothing(name: str) -> None:
    environment = planted() | {
        f"{name}_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": f"{MARKER}aws",
        "AWS_SECRET_ACCESS_KEY": f"{MARKER}aws",
        "AWS_MAX_ATTEMPTS": "1",
    }
    code, output = start(CHAT, environment)
    assert code != 0
    assert f"The setting {name} could not be read from Secrets Manager" in output
    assert MARKER not in output


def test_a_database_out_of_reach_shows_no_password() -> None:
    program = """
import asyncio, httpx2
from sidestream.chat.handler import app
function = app()
async def main():
    await function.services.open()
    transport = httpx2.ASGITransport(app=function)
    async with httpx2.AsyncClient(transport=transport, base_url="http://f") as client:
        print((await client.get("/api/chatkit/health")).text)
        token, _ = function.services.session_key.mint("alice", sid="ses_1")
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/api/alice/chat", json={"message": "hi"}, headers=headers)
        print(answer.status_code, answer.text)
    await function.close()
asyncio.run(main())
"""
    code, output = start(program, planted())
    assert code == 0, output
    assert '"database":"unreachable"' in output
    assert "503" in output
    assert MARKER not in output


async def test_a_running_system_shows_none_of_its_secrets(system: LocalSystem) -> None:
    keys = LocalKeys.of(system.options.folder)
    password = urlsplit(system.endpoints.app_database_url).password
    assert password
    secrets = {
        keys.tool_signing_key,
        keys.session_signing_key,
        keys.page_secret,
        keys.sign_in_key,
        password,
        SCRIPTED_MODEL_KEY,
    }
    shown = []
    token = system.token("secretive")
    async with httpx2.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {token}"}) as c:
        chat, tasks = system.chat.url, system.tools.url
        system.model.fail_next(401)
        for answer in (
            await c.post(f"{chat}/api/secretive/chat", json={"message": "add milk"}),
            await c.post(f"{chat}/api/secretive/chat", json={"message": "add milk"}),
            await c.get(f"{chat}/api/chatkit/health"),
            await c.post(f"{chat}/api/chatkit", content=b"{"),
            await c.post(f"{tasks}/mcp", json={}),
            await c.get(f"{tasks}/api/secretive/tasks", headers={"Authorization": "Bearer x"}),
        ):
            shown += [answer.text, str(answer.headers)]
    for log in (system.options.folder / "logs").iterdir():
        shown.append(log.read_text())
    for secret in secrets:
        assert not any(secret in text for text in shown)
    assert not any(token in text for text in shown)


def test_the_template_holds_no_secret() -> None:
    text = TEMPLATE.read_text()
    assert "NoEcho" not in text
    assert "resolve:secretsmanager" not in text
    assert " SecretString:" not in text
