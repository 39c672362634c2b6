"""The built functions as Lambda runs them: its root, user and limits, AWS's emulator and runtime.

Their secrets are in the stand-in for AWS on which deployments are rehearsed; the database, the
model and the sign-in are the local system's. `lambda-root` lays out the root.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx2
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
import pytest_asyncio

from rehearsal.account import Account
from sidestream.local.emulator import FunctionSpec, FunctionUrl, InvokeMode
from sidestream.local.emulator.environment import InitError, State
from sidestream.local.system import LocalSystem
from sidestream.secrets_manager import ARN_SUFFIX
from sidestream.store.ids import new_id
from tests.deployment.built import Built
from tests.deployment.conftest import Document
from tests.deployment.on_lambda import (
    BOOTSTRAP,
    USER_ID,
    Deployed,
    OnLambda,
    Root,
    address_limit,
    connections,
    read_only,
    why_not,
)
from tests.deployment.test_template import environment
from tests.local.emulator.support import eventually

pytestmark = pytest.mark.slow

INVOCATIONS = 200
FREEZES = 50
LONG_FREEZE_S = 21  # beyond the 20 s after which a connection is tried before it is used
MAX_GROWTH_MB = 12
"""What two hundred invocations may add once it is warm: ten times what is seen, and less than one
that each keeps 100 KB of."""
UNLIMITED = {"REQUESTS_PER_MINUTE": "0", "TOKENS_PER_DAY": "0"}
CHAT, TASKS = "ChatFunction", "TasksFunction"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as started:
        yield started


@pytest.fixture(scope="module")
def root(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Root:
    if sentence := why_not():
        if "CI" in os.environ and os.geteuid() == 0:
            pytest.fail(sentence)
        pytest.skip(sentence)
    return Root(built, tmp_path_factory.mktemp("lambda"))


@dataclass(frozen=True, slots=True)
class Cloud:
    """What there is beside the functions."""

    account: Account
    system: LocalSystem
    template: Document
    root: Root

    def secret(self, text: str) -> str:
        """Keep a secret that no other function has, and give its ARN."""
        client = self.account.client("secretsmanager")
        arn: str = client.create_secret(Name=new_id("sec"), SecretString=text)["ARN"]
        return arn

    def deployed(self, name: str, **changed: str) -> Deployed:
        """A function with the variables that the template has, and the values that lead here.

        `changed` are variables, and texts of secrets by their setting.
        """
        local = (self.system.chat if name == CHAT else self.system.tools).spec
        here = {**local.env, "AWS_ENDPOINT_URL": self.account.endpoint, **changed}
        variables = {}
        for variable, value in environment(self.template, name).items():
            setting = variable.removesuffix(ARN_SUFFIX)
            if setting != variable:
                if setting in here:
                    variables[variable] = self.secret(here[setting])
            elif isinstance(value, str):
                variables[variable] = value
            elif variable in here:
                variables[variable] = here[variable]
        properties = self.template["Resources"][name]["Properties"]
        memory = properties["MemorySize"]
        if isinstance(memory, dict):
            memory = self.template["Parameters"][memory["Ref"]]["Default"]
        return Deployed(
            name, properties["Handler"], int(memory), int(properties["Timeout"]), variables
        )


@pytest.fixture(scope="module")
def cloud(root: Root, account: Account, system: LocalSystem, template: Document) -> Cloud:
    return Cloud(account, system, template, root)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses both functions."""

    id: str
    client: httpx2.AsyncClient
    chat: str
    tasks: str

    async def say(self, words: str) -> list[dict[str, object]]:
        """What the assistant answers, frame by frame."""
        answer = await self.client.post(f"{self.chat}/api/{self.id}/chat", json={"message": words})
        assert answer.status_code == 200, answer.text
        lines = answer.text.splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    async def titles(self) -> list[str]:
        """What is on their list."""
        answer = await self.client.get(f"{self.tasks}/api/{self.id}/tasks")
        assert answer.status_code == 200, answer.text
        return [task["title"] for task in answer.json()["data"]]


@asynccontextmanager
async def person(system: LocalSystem, chat: str, tasks: str) -> AsyncIterator[Person]:
    name = new_id("user")
    bearer = {"authorization": f"Bearer {system.token(name)}"}
    async with httpx2.AsyncClient(headers=bearer, timeout=120) as client:
        yield Person(name, client, chat, tasks)


def database_port(system: LocalSystem) -> int:
    """Where the database listens."""
    return int(str(psycopg.conninfo.conninfo_to_dict(system.postgres.app_url)["port"]))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tasks(cloud: Cloud) -> AsyncIterator[OnLambda]:
    async with OnLambda(cloud.root, cloud.deployed(TASKS)) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chat(cloud: Cloud, tasks: OnLambda) -> AsyncIterator[OnLambda]:
    function = cloud.deployed(CHAT, TOOLS_MCP_URL=f"{tasks.url}/mcp", **UNLIMITED)
    async with OnLambda(cloud.root, function) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def alice(system: LocalSystem, chat: OnLambda, tasks: OnLambda) -> AsyncIterator[Person]:
    async with person(system, chat.url, tasks.url) as somebody:
        yield somebody


async def test_a_whole_run(alice: Person, chat: OnLambda, tasks: OnLambda) -> None:
    frames = await alice.say("Add a task to buy milk")
    assert frames[-1]["type"] == "done"
    assert await alice.titles() == ["buy milk"]
    for function in (chat, tasks):
        process = function.runtime
        assert set(process.uids()) == {USER_ID}
        assert "HOME" not in process.environ()
        assert read_only(process, ("/", "/var/task", "/opt", "/var/runtime"))
        assert address_limit(process) == function.function.memory_mb * 1024**2
        assert function.failures == []


async def test_two_hundred_invocations_keep_nothing(
    alice: Person, chat: OnLambda, tasks: OnLambda
) -> None:
    async def use(times: int) -> None:
        for number in range(times):
            frames = await alice.say("hello" if number % 4 else "Add a task to buy milk")
            assert frames[-1]["type"] == "done"
            await alice.titles()

    await use(INVOCATIONS // 4)  # until caches, pools and arenas have their size
    before = [(each.runtime.memory_info().rss, each.runtime.num_fds()) for each in (chat, tasks)]
    await use(INVOCATIONS)
    for function, (rss, descriptors) in zip((chat, tasks), before, strict=True):
        process = function.runtime
        assert process.memory_info().rss - rss < MAX_GROWTH_MB * 1024**2, function.function.name
        assert process.num_fds() <= descriptors + 2, function.function.name
        assert function.failures == []


async def test_fifty_freezes(
    alice: Person, chat: OnLambda, tasks: OnLambda, system: LocalSystem, admin_url: str
) -> None:
    """Half of them outlive their connections, and the last outlives every check of one."""
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as admin:
        for number in range(FREEZES):
            frozen = [chat.freeze(), tasks.freeze()]
            if number % 2:
                for process in frozen:
                    ended = await admin.execute(
                        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                        " where client_port = any(%s)",
                        [connections(process, database_port(system))],
                    )
                    assert await ended.fetchall()
            if number == FREEZES - 1:
                await asyncio.sleep(LONG_FREEZE_S)
            for process in frozen:
                process.resume()
            frames = await alice.say(f"Add a task to see {number}")
            assert frames[-1]["type"] == "done"
            assert frozen == [chat.runtime, tasks.runtime]
    added = set(await alice.titles())
    assert added >= {f"see {number}" for number in range(FREEZES - 10, FREEZES)}
    assert chat.failures == tasks.failures == []


@asynccontextmanager
async def started(
    cloud: Cloud, name: str, kind: Literal["on-demand", "snap-start"], **changed: str
) -> AsyncIterator[FunctionUrl]:
    """A function in Lambda's root under our emulator, which knows snapshots and limits of time."""
    function = cloud.deployed(name, **changed)
    spec = FunctionSpec(
        name=name,
        command=cloud.root.command(name, BOOTSTRAP),
        handler=function.handler,
        env=function.environment(),
        cwd=Path("/"),
        timeout_s=function.timeout_s,
        memory_mb=function.memory_mb,
        max_environments=1,
        invoke_mode=InvokeMode.RESPONSE_STREAM if name == CHAT else InvokeMode.BUFFERED,
        freeze=True,
        initialization_type=kind,
        init_timeout_s=30,
    )
    lines: list[str] = []
    async with FunctionUrl(spec, lambda _name, line: lines.append(line)) as url:
        try:
            await url.warm()
        except InitError as error:
            raise AssertionError("\n".join(lines)) from error
        yield url


@pytest.mark.parametrize(("name", "code"), [(CHAT, 0), (TASKS, -signal.SIGTERM)])
async def test_told_to_end_it_ends(cloud: Cloud, system: LocalSystem, name: str, code: int) -> None:
    """AWS's runtime client leaves it to the signal; ours ends what the application holds."""
    async with started(cloud, name, "on-demand") as function:
        async with httpx2.AsyncClient(timeout=60) as client:
            assert (await client.get(f"{function.url}/healthz")).status_code == 200
        [running] = function.environments
        process = psutil.Process(running.pid)
        assert connections(process, database_port(system))
        await eventually(lambda: process.status() == psutil.STATUS_STOPPED)
        process.terminate()
        process.resume()
        assert await eventually(lambda: running.ended)
        assert running.exit_code == code


async def snapshot(function: FunctionUrl) -> psutil.Process:
    """The process of a function that stands at its snapshot."""
    [frozen] = function.environments
    assert frozen.state is State.SNAPSHOT
    process = psutil.Process(frozen.pid)
    await eventually(lambda: process.status() == psutil.STATUS_STOPPED)
    return process


async def test_restored_from_a_snapshot_both_work(cloud: Cloud, system: LocalSystem) -> None:
    async with started(cloud, TASKS, "snap-start") as tasks:
        tools = {"TOOLS_MCP_URL": f"{tasks.url}/mcp"}
        async with started(cloud, CHAT, "snap-start", **tools) as chat:
            for function in (chat, tasks):
                [runtime_api] = (await snapshot(function)).net_connections("tcp")
                assert runtime_api.raddr.port != database_port(system)
            async with person(system, chat.url, tasks.url) as somebody:
                frames = await somebody.say("Add a task to buy milk")
                assert frames[-1]["type"] == "done"
                assert await somebody.titles() == ["buy milk"]
            for function in (chat, tasks):
                assert function.invocations[0].restore_duration_ms is not None
                assert {record.environment_pid for record in function.invocations} == {
                    function.environments[0].pid
                }


@pytest.fixture
def black_hole(system: LocalSystem) -> Iterator[str]:
    """The database's address with a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        parts = psycopg.conninfo.conninfo_to_dict(system.postgres.app_url)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        yield f"postgresql://{parts['user']}:{parts['password']}@{host}/{parts['dbname']}"


async def told_that_the_database_is_away(system: LocalSystem, function: FunctionUrl) -> None:
    """Its first request is answered, with what is wrong."""
    async with person(system, function.url, function.url) as somebody:
        if function.spec.name == CHAT:
            path = f"{function.url}/api/{somebody.id}/chat"
            answer = await somebody.client.post(path, json={"message": "hello"})
        else:
            answer = await somebody.client.get(f"{function.url}/api/{somebody.id}/tasks")
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "database_unavailable"


async def test_a_silent_database_fails_no_start(
    cloud: Cloud, system: LocalSystem, black_hole: str
) -> None:
    async def start(name: str) -> None:
        async with started(cloud, name, "on-demand", DATABASE_URL=black_hole) as function:
            await told_that_the_database_is_away(system, function)

    await asyncio.gather(start(CHAT), start(TASKS))


async def test_a_silent_database_fails_no_restore(
    cloud: Cloud, system: LocalSystem, black_hole: str
) -> None:
    """Lambda gives a restore ten seconds, which the emulator holds to. Secrets are read again."""

    async def restore(name: str) -> None:
        async with started(cloud, name, "snap-start") as function:
            await snapshot(function)
            cloud.account.client("secretsmanager").put_secret_value(
                SecretId=function.spec.env["DATABASE_URL_SECRET_ARN"], SecretString=black_hole
            )
            await told_that_the_database_is_away(system, function)
            [record] = function.invocations
            assert record.restore_duration_ms is not None

    await asyncio.gather(restore(CHAT), restore(TASKS))
