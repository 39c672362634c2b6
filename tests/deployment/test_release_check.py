"""What is asked before a new version gets traffic: the hook of the template, played on the chat
that the emulator runs, with a fake of the AWS services that it calls."""

import asyncio
import binascii
import json
import struct
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import boto3
import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sidestream.local.emulator import FunctionSpec
from sidestream.local.emulator.environment import InitError
from sidestream.local.emulator.faults import Faults
from sidestream.local.emulator.invocation import Invocation
from sidestream.local.emulator.pool import Pool
from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from tests.asgi_server import serve
from tests.deployment.conftest import Document

VERSION = "arn:aws:lambda:us-east-1:123456789012:function:chat:7"
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}

type Hook = Callable[[dict[str, Any], None], None]


def message(kind: str, payload: bytes) -> bytes:
    """An event of `application/vnd.amazon.eventstream` (AWS: "Event stream encoding")."""
    headers = b""
    for name, value in ((":message-type", "event"), (":event-type", kind)):
        headers += bytes([len(name)]) + name.encode() + b"\x07"
        headers += struct.pack(">H", len(value)) + value.encode()
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = head + struct.pack(">I", binascii.crc32(head)) + headers + payload
    return body + struct.pack(">I", binascii.crc32(body))


class Pieces:
    """Receives what a function streams, as the emulator's URL does."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def begin(self, content_type: str, streamed: bool) -> None:
        assert streamed
        assert content_type.startswith("application/vnd.awslambda.http-integration-response")

    async def feed(self, data: bytes) -> None:
        self.queue.put_nowait(data)

    async def finish(self) -> None:
        self.queue.put_nowait(None)


class FakeAws:
    """Lambda, CodeDeploy and Secrets Manager, as far as the hook calls them."""

    def __init__(self, key: str, spec: FunctionSpec) -> None:
        self._key = key
        self._pool = Pool(spec, Faults(), lambda _line: None)
        self.reported: list[dict[str, Any]] = []
        self.invoked: list[str] = []
        self.hang = ""
        self.over = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/", self._json, methods=["POST"]),
                Route(
                    "/2021-11-15/functions/{name}/response-streaming-invocations",
                    self._invoke,
                    methods=["POST"],
                ),
            ]
        )

    async def close(self) -> None:
        self.over.set()
        await self._pool.close()

    async def _json(self, request: Request) -> Response:
        asked = await request.json()
        match request.headers["x-amz-target"].rpartition(".")[2]:
            case "GetSecretValue":
                return JSONResponse({"ARN": asked["SecretId"], "SecretString": f"{self._key}\n"})
            case "PutLifecycleEventHookExecutionStatus":
                self.reported.append(asked)
                return JSONResponse({"lifecycleEventHookExecutionId": "hook-1"})
        return JSONResponse({}, status_code=400)

    async def _invoke(self, request: Request) -> Response:
        self.invoked.append(request.path_params["name"])
        return StreamingResponse(
            self._stream(await request.body()), media_type="application/vnd.amazon.eventstream"
        )

    async def _never_ending(self) -> AsyncIterator[bytes]:
        if self.hang == "beats":
            yield message("PayloadChunk", b'{"statusCode": 200}' + bytes(8))
        while not self.over.is_set():
            if self.hang == "beats":
                yield message("PayloadChunk", b": beat\n\n")
            await asyncio.sleep(0.1)

    async def _stream(self, event: bytes) -> AsyncIterator[bytes]:
        if self.hang:
            async for piece in self._never_ending():
                yield piece
            return
        environment, _cold = await self._pool.reserve()
        answer = Pieces()
        invocation = Invocation(str(uuid.uuid4()), "Root=1-0-0", event, answer)

        async def run() -> None:
            try:
                await environment.invoke(invocation)
            finally:
                answer.queue.put_nowait(None)

        running = asyncio.create_task(run())
        while (streamed := await answer.queue.get()) is not None:
            yield message("PayloadChunk", streamed)
        try:
            await running
            error = invocation.outcome.result().error
            ended = {"ErrorCode": error.type, "ErrorDetails": error.message} if error else {}
        except InitError as crash:
            ended = {"ErrorCode": "Runtime.ExitError", "ErrorDetails": str(crash)}
        yield message("InvokeComplete", json.dumps(ended).encode())


@pytest_asyncio.fixture(loop_scope="session")
async def aws(system: LocalSystem) -> AsyncIterator[FakeAws]:
    fake = FakeAws(LocalKeys.of(system.options.folder).session_signing_key, system.chat.spec)
    try:
        yield fake
    finally:
        await fake.close()


@pytest.fixture
def module(resources: Document, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The function's code, with its environment as the template sets it."""
    properties = resources["ReleaseCheck"]["Properties"]
    values = {"VERSION": VERSION, "SESSION_SIGNING_KEY_SECRET_ARN": "arn:session"}
    assert set(values) == set(properties["Environment"]["Variables"])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    found: dict[str, Any] = {}
    exec(compile(properties["Code"]["ZipFile"], "index.py", "exec"), found)  # noqa: S102
    return found


async def ask(
    aws: FakeAws, module: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """Do as CodeDeploy does; give what it was told."""
    hook: Hook = module["pre_traffic"]
    async with serve(aws.app) as url, asyncio.timeout(60):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        try:
            await asyncio.to_thread(hook, EVENT, None)
        finally:
            aws.over.set()
    return aws.reported


def told(status: str) -> list[dict[str, Any]]:
    return [
        {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "hook-1", "status": status},
    ]


async def test_a_version_that_answers_may_have_traffic_and_nothing_is_left_behind(
    aws: FakeAws, module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, system: LocalSystem
) -> None:
    assert await ask(aws, module, monkeypatch) == told("Succeeded")
    assert aws.invoked == [VERSION, VERSION]  # the run, and the conversation's end
    bearer = {"Authorization": f"Bearer {system.token('canary')}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=bearer) as client:
        request = {"type": "threads.list", "params": {"limit": 10, "order": "desc"}}
        assert (await client.post("/api/chatkit", json=request)).json()["data"] == []


def no_model(system: LocalSystem) -> FunctionSpec:
    system.model.fail_next(401)
    return system.chat.spec


def cut_off(system: LocalSystem) -> FunctionSpec:
    system.model.cut_next(after_words=1)
    return system.chat.spec


def no_database(system: LocalSystem) -> FunctionSpec:
    env = {**system.chat.spec.env, "DATABASE_URL": "postgresql://app@127.0.0.1:1/none"}
    return replace(system.chat.spec, env=env)


def other_key(system: LocalSystem) -> FunctionSpec:
    return replace(system.chat.spec, env={**system.chat.spec.env, "SESSION_SIGNING_KEY": "x" * 64})


def not_starting(system: LocalSystem) -> FunctionSpec:
    return replace(system.chat.spec, env={**system.chat.spec.env, "MODEL_API": "smoke"})


@pytest.mark.parametrize("broken", [no_model, cut_off, no_database, other_key, not_starting])
async def test_a_version_that_is_broken_gets_none(
    module: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    system: LocalSystem,
    capsys: pytest.CaptureFixture[str],
    broken: Callable[[LocalSystem], FunctionSpec],
) -> None:
    key = LocalKeys.of(system.options.folder).session_signing_key
    aws = FakeAws(key, broken(system))
    try:
        assert await ask(aws, module, monkeypatch) == told("Failed")
    finally:
        await aws.close()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [why] = [line for line in lines if line.get("message") == "a run failed"]
    assert why["level"] == "ERROR"
    assert key not in json.dumps(why)


@pytest.mark.parametrize("hang", ["silence", "beats"])
async def test_a_version_that_hangs_gets_none_and_is_not_waited_for(
    aws: FakeAws, module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, hang: str
) -> None:
    aws.hang = hang
    module["LIMIT_S"] = 1
    assert await ask(aws, module, monkeypatch) == told("Failed")


def test_it_ends_by_its_own_limits_before_lambda_ends_it(
    resources: Document, module: dict[str, Any]
) -> None:
    # A last silence that begins just before the limit, then the same for the conversation's end.
    assert resources["ReleaseCheck"]["Properties"]["Timeout"] > 3 * module["LIMIT_S"]


async def test_it_calls_what_its_role_allows_and_no_more(
    resources: Document,
    aws: FakeAws,
    module: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = set()
    original = boto3.client

    def client(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        made.meta.events.register(
            "provide-client-params.*", lambda model, **_: called.add(model.name)
        )
        return made

    monkeypatch.setattr(boto3, "client", client)
    await ask(aws, module, monkeypatch)
    assert called == {
        *("GetSecretValue", "InvokeWithResponseStream", "PutLifecycleEventHookExecutionStatus"),
    }
    [policy] = resources["ReleaseCheckRole"]["Properties"]["Policies"]
    granted = {
        each["Sid"]: each["Action"]
        for each in policy["PolicyDocument"]["Statement"]
        if each["Sid"] != "Logs"
    }
    assert granted == {
        "Secret": "secretsmanager:GetSecretValue",
        "Versions": "lambda:InvokeFunction",
        "Result": "codedeploy:PutLifecycleEventHookExecutionStatus",
    }


def test_codedeploy_may_call_it_and_asks_it_before_a_gradual_release(resources: Document) -> None:
    name, _values = resources["ReleaseCheck"]["Properties"]["FunctionName"]["Fn::Sub"]
    assert name.startswith("CodeDeployHook_")
    assert len(name.replace("${Id}", "12345678")) <= 64
    preference = resources["ChatFunction"]["Properties"]["DeploymentPreference"]
    hook = {"Fn::If": ["IsGradual", {"Ref": "ReleaseCheck"}, {"Ref": "AWS::NoValue"}]}
    assert preference["Hooks"] == {"PreTraffic": hook}
