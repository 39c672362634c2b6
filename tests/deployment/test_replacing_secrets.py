"""The page "Replacing a secret", played on a local system that reads its secrets as on AWS does."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import boto3
import httpx2
import jwt
import psycopg
import pytest
import pytest_asyncio

from sidestream.local.settings import PROJECT, LocalOptions
from sidestream.local.system import LocalSystem
from sidestream.signing_key import session_key, tool_key
from sidestream.store.ids import new_id
from tests.chat.client import Client
from tests.command import run
from tests.tool_server.people import modern_call, modern_headers

pytestmark = pytest.mark.slow

PAGE = (
    (PROJECT / "docs" / "operations.md")
    .read_text()
    .split("\n## Replacing a secret\n")[1]
    .split("\n## ")[0]
)
_AWS = f"""#!{sys.executable}
import sys, boto3
service, operation, *options = sys.argv[1:]
names = ("".join(part.title() for part in name[2:].split("-")) for name in options[::2])
getattr(boto3.client(service), operation.replace("-", "_"))(**dict(zip(names, options[1::2])))
"""


class Deployed:
    """The system, and the shell of the person who looks after it."""

    def __init__(self, system: LocalSystem, programs: Path) -> None:
        self.system = system
        arns = {f"{name}_SECRET_ARN": arn for name, arn in system.endpoints.secrets.items()}
        database = psycopg.conninfo.conninfo_to_dict(system.postgres.app_url)
        (programs / "aws").write_text(_AWS)
        (programs / "aws").chmod(0o755)
        self._aws = {
            "AWS_ENDPOINT_URL": system.endpoints.aws,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self._environment = {
            **self._aws,
            **arns,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "DIRECT_DATABASE_URL": system.postgres.owner_url,
            "DATABASE_HOST": f"{database['host']}:{database['port']}",
            "DATABASE_NAME": str(database["dbname"]),
            "NEW_API_KEY": "sk-replaced",
        }
        self._arns = arns

    async def replay(self, heading: str) -> None:
        """Run what the page says under a heading."""
        section = re.split(r"^### ", PAGE, flags=re.MULTILINE)
        [text] = [part for part in section if part.startswith(f"{heading}\n")]
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        assert script
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", script],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def text(self, setting: str) -> str:
        """What Secrets Manager keeps for a setting."""
        names = {
            "endpoint_url": "AWS_ENDPOINT_URL",
            "region_name": "AWS_DEFAULT_REGION",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        }
        options = {name: self._aws[variable] for name, variable in names.items()}
        client = boto3.client("secretsmanager", **options)
        arn = self._arns[f"{setting}_SECRET_ARN"]
        return str(client.get_secret_value(SecretId=arn)["SecretString"])

    async def titles(self, user: str) -> set[str]:
        """A user's tasks, as the page reads them."""
        headers = {"authorization": f"Bearer {self.system.token(user)}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as client:
            answer = await client.get(f"{self.system.tools.url}/api/{user}/tasks")
        assert answer.status_code == 200, answer.text
        return {task["title"] for task in answer.json()["data"]}

    async def say(self, user: str, words: str, token: str = "") -> None:
        """Have a user say something to the assistant, who answers without an error."""
        async with Client(self.system.chat.url, token or self.system.token(user)) as client:
            answer = await client.create(words)
        assert answer.status == 200, answer.body
        assert answer.errors == []

    async def restart(self, function: str) -> None:
        """End a function's environments; the next request meets a new one."""
        for environment in getattr(self.system, function).environments:
            environment.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed() -> AsyncIterator[Deployed]:
    folder = Path(tempfile.mkdtemp(prefix="sidestream-secrets-"))
    options = LocalOptions(
        folder=folder / "local",
        chat_port=0,
        tools_port=0,
        web_port=0,
        model_delay_ms=0,
        durable=False,
        secrets_manager=True,
    )
    (folder / "bin").mkdir()
    try:
        async with LocalSystem(options) as system:
            yield Deployed(system, folder / "bin")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def user() -> str:
    return new_id("user")


async def _session(deployed: Deployed, route: str, token: str) -> str:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as client:
        answer = await client.post(f"{deployed.system.chat.url}/api/chatkit/{route}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["client_secret"])


def test_no_function_is_given_a_secret_itself(deployed: Deployed) -> None:
    for function in (deployed.system.chat, deployed.system.tools):
        assert not {"DATABASE_URL", "TOOL_SIGNING_KEY", "OPENAI_API_KEY"} & function.spec.env.keys()


async def test_session_signing_key(deployed: Deployed, user: str) -> None:
    before = await _session(deployed, "session", deployed.system.token(user))
    await deployed.replay("The session signing key")
    key = deployed.text("SESSION_SIGNING_KEY")

    # A function that runs has the old one, and takes a token of one that started later.
    later, _expiry = session_key(key, 600).mint(user, sid=new_id("ses"), auth_time=2_000_000_000)
    await deployed.say(user, "hello", later)

    # One that starts has the new one, and takes a token from before.
    await deployed.restart("chat")
    await deployed.say(user, "hello", before)
    renewed = await _session(deployed, "refresh", before)
    assert jwt.decode(renewed, key, algorithms=["HS256"], audience="chat")["sub"] == user


async def test_tool_signing_key(deployed: Deployed, user: str) -> None:
    await deployed.say(user, "Add a task to buy milk")
    await deployed.replay("The tool signing key")

    await deployed.restart("chat")
    await deployed.say(user, "Add a task to buy eggs")
    await deployed.replay("The tool signing key")
    await deployed.restart("tools")
    await deployed.say(user, "Add a task to buy bread")
    assert await deployed.titles(user) == {"buy milk", "buy eggs", "buy bread"}

    # After a leak: what the chat has is good no more, and it finds that out by itself.
    leaked, _expiry = tool_key(deployed.text("TOOL_SIGNING_KEY")).mint(user)
    for _ in range(2):
        await deployed.replay("The tool signing key")
    await deployed.restart("tools")
    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.post(
            f"{deployed.system.tools.url}/mcp",
            headers={"authorization": f"Bearer {leaked}", **modern_headers("list_tasks")},
            json=modern_call("list_tasks"),
        )
    assert answer.status_code == 401
    await deployed.say(user, "Add a task to buy tea")
    assert "buy tea" in await deployed.titles(user)


async def test_database_password(deployed: Deployed, user: str) -> None:
    old = deployed.text("DATABASE_URL")
    await deployed.say(user, "Add a task to buy milk")
    await deployed.replay("The database password")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(old)

    with psycopg.connect(deployed.system.postgres.admin_url, autocommit=True) as admin:
        ended = admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where usename = 'sidestream_app'"
        ).fetchall()
    assert ended
    await deployed.say(user, "Add a task to buy eggs")
    assert await deployed.titles(user) == {"buy milk", "buy eggs"}


async def test_doctor_reads_what_was_put(deployed: Deployed) -> None:
    folder = deployed.system.options.folder
    done = await asyncio.to_thread(run, "doctor", "--folder", str(folder))
    assert "failed" not in done.stdout, done.stdout
    assert "4 of them from Secrets Manager" in done.stdout


async def test_model_key(deployed: Deployed, user: str) -> None:
    model = deployed.system.model
    model.api_key = deployed.text("OPENAI_API_KEY")
    await deployed.say(user, "hello")
    await deployed.replay("The model's key")
    await deployed.say(user, "hello again")

    model.api_key = "sk-replaced"
    await deployed.say(user, "and once more")
