"""A first deployment that fails says why in what it tells Lambda, and what passes is waited for."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
import pytest

from sidestream.local.emulator import FunctionSpec, FunctionUrl, InvokeMode
from sidestream.local.environment import base
from sidestream.local.settings import PROJECT

MARKER = "planted-5ecr3t-marker-"
TEXTS = {
    "DATABASE_URL": f"postgresql://sidestream_app:{MARKER}@127.0.0.1:1/none",
    "TOOL_SIGNING_KEY": f"{MARKER}tool-0123456789abcdef",
    "SESSION_SIGNING_KEY": f"{MARKER}session-0123456789abcdef",
    "OPENAI_API_KEY": f"{MARKER}openai",
}
TOOL_SECRETS = ("DATABASE_URL", "TOOL_SIGNING_KEY")
# What AWS says where a new role, or a new secret, is not known yet.
REFUSALS = ("AccessDeniedException", "ResourceNotFoundException")


class SecretsManager:
    """Refuses each secret so many times, for one reason after the other, then gives its text."""

    def __init__(self) -> None:
        self.refusals = 0
        self.asked: Counter[str] = Counter()
        self.answers = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.answers.server_port}"

    def answer(self, name: str) -> tuple[int, dict[str, str]]:
        asked = self.asked[name]
        self.asked[name] += 1
        if asked < self.refusals:
            reason = REFUSALS[asked % len(REFUSALS)]
            return 400, {"__type": reason, "Message": f"{MARKER} is not authorized"}
        return 200, {"Name": name, "ARN": f"arn:aws:{name}", "SecretString": TEXTS[name]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                arn = json.loads(self.rfile.read(length))["SecretId"]
                status, body = fake.answer(arn.rpartition(":")[2])
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def secrets() -> Iterator[SecretsManager]:
    fake = SecretsManager()
    thread = Thread(target=fake.answers.serve_forever)
    thread.start()
    try:
        yield fake
    finally:
        fake.answers.shutdown()
        thread.join()
        fake.answers.server_close()


def function(name: str, changed: dict[str, str], kept: SecretsManager | None = None) -> FunctionUrl:
    """A function as it is deployed, its secrets in its environment or in a Secrets Manager."""
    environment = {
        **base(),
        "STAGE": "first",
        "AUTH_ISSUERS": "[]",
        "TOOLS_MCP_URL": "http://127.0.0.1:1/mcp",
        **(TEXTS if kept is None else {}),
    }
    if kept is not None:
        wanted = TEXTS if name == "ChatFunction" else TOOL_SECRETS
        prefix = "arn:aws:secretsmanager:us-east-1:123456789012:secret"
        environment |= {f"{each}_SECRET_ARN": f"{prefix}:{each}" for each in wanted}
        environment |= {"AWS_ENDPOINT_URL": kept.url, "AWS_DEFAULT_REGION": "us-east-1"}
    environment = {each: text for each, text in (environment | changed).items() if text}
    if name == "ChatFunction":
        wrapper = PROJECT / "src/sidestream/streaming/stream-runtime"
        environment["STREAM_APP"] = "sidestream.chat.handler:app"
        spec = FunctionSpec(
            name=name,
            command=(),
            handler="stream-runtime",
            env=environment,
            cwd=PROJECT / "src",
            invoke_mode=InvokeMode.RESPONSE_STREAM,
            exec_wrapper=wrapper,
            init_timeout_s=60,
        )
    else:
        handler = "sidestream.tasks.handler.handler"
        spec = FunctionSpec(
            name=name,
            command=(sys.executable, "-m", "sidestream.local.managed_runtime", handler),
            handler=handler,
            env=environment,
            cwd=PROJECT / "src",
            init_timeout_s=60,
        )
    return FunctionUrl(spec)


async def first_request(running: FunctionUrl) -> int:
    async with httpx2.AsyncClient(timeout=90) as client:
        return (await client.get(f"{running.url}/healthz")).status_code


@pytest.mark.parametrize("name", ["ChatFunction", "TasksFunction"])
@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("AUTH_ISSUERS", "", "The setting AUTH_ISSUERS is missing."),
        ("DATABASE_URL", MARKER, "The setting DATABASE_URL is not valid"),
        ("TOOL_SIGNING_KEY", MARKER, "The setting TOOL_SIGNING_KEY is not valid"),
    ],
)
async def test_lambda_is_told_the_sentence_that_names_the_setting(
    name: str, setting: str, value: str, sentence: str
) -> None:
    async with function(name, {setting: value}) as broken:
        assert await first_request(broken) == 502
        told = broken.invocations[-1].error_message or ""
    assert sentence in told
    assert MARKER not in told


@pytest.mark.parametrize("name", ["ChatFunction", "TasksFunction"])
async def test_a_secret_that_is_refused_twice_is_waited_for(
    name: str, secrets: SecretsManager
) -> None:
    secrets.refusals = 2
    async with function(name, {}, secrets) as patient:
        await asyncio.wait_for(patient.warm(), 60)
        assert await first_request(patient) == 200
    assert set(secrets.asked.values()) == {3}
    assert set(secrets.asked) == set(TEXTS if name == "ChatFunction" else TOOL_SECRETS)


async def test_a_secret_that_stays_refused_is_named_with_awss_reason(
    secrets: SecretsManager,
) -> None:
    secrets.refusals = 1_000
    async with function("ChatFunction", {}, secrets) as broken:
        assert await first_request(broken) == 502
        told = broken.invocations[-1].error_message or ""
    assert "could not be read from Secrets Manager (" in told
    assert any(reason in told for reason in REFUSALS)
    assert MARKER not in told
    assert 3 < secrets.asked["DATABASE_URL"] < 20
