"""`sidestream doctor` as a process, against the running system and against broken ones."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from urllib.parse import urlsplit

import boto3
import httpx2
import jwt
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sidestream.local.emulator.variables import REGION
from sidestream.local.keys import LocalKeys
from sidestream.local.model import ModelEntry, ModelSettings, ScriptedModelServer
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.sign_in import ISSUER
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from sidestream.store.migrate import migrate, rollback
from tests.asgi_server import serve
from tests.command import COMMAND, run
from tests.sign_in import SIGNING_KEYS, sign_in_server
from tests.tickets import DOMAIN

MARKER = "pl4nt3d-m4rk3r"
DEAD = "http://127.0.0.1:9"
DEAD_DATABASE = f"postgresql://x:{MARKER}@127.0.0.1:9/x"


class Report:
    """What the command printed: its lines by name, as (state, sentence), and its exit code."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.output = done.stdout + done.stderr
        self.code = done.returncode
        self.lines: dict[str, tuple[str, str]] = {}
        for line in done.stdout.splitlines()[:-1]:
            state, _, rest = line.partition(" ")
            name, _, sentence = rest.strip().partition("  ")
            self.lines[name] = (state, sentence.strip())

    def state(self, name: str) -> str:
        return self.lines[name][0]

    def sentence(self, name: str) -> str:
        return self.lines[name][1]

    def of_state(self, state: str) -> set[str]:
        return {name for name, (found, _) in self.lines.items() if found == state}


def page_of(system: LocalSystem) -> str:
    """The origin that the system's functions allow."""
    assert system.chat.spec.cors is not None
    return system.chat.spec.cors.allow_origins[0]


def environment(system: LocalSystem, **changes: str | None) -> dict[str, str]:
    """The environment of the system's ChatFunction, without the page's sign-in, which is not
    there; a change to None takes a variable away."""
    settings = dict(system.chat.spec.env)
    issuers = [each for each in json.loads(settings["AUTH_ISSUERS"]) if each["issuer"] == ISSUER]
    kept = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **settings,
        "AUTH_ISSUERS": json.dumps(issuers),
        "DIRECT_DATABASE_URL": system.endpoints.database_url,
        "SIDESTREAM_TOKEN": system.token(new_id("user")),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "NO_COLOR": "1",
    }
    return {name: value for name, value in {**kept, **changes}.items() if value is not None}


async def examine(variables: dict[str, str], *arguments: str) -> Report:
    # In a thread, because the system that answers runs in this process.
    done = await asyncio.to_thread(
        subprocess.run,
        [*COMMAND, *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
    )
    return Report(done)


async def deployed(system: LocalSystem, *arguments: str, **changes: str | None) -> Report:
    """Look at the system as if it were a deployed one, with some settings changed."""
    where = ("--url", system.chat.url, "--origin", page_of(system))
    return await examine(environment(system, **changes), "doctor", *where, *arguments)


async def test_nothing_is_wrong_with_the_local_system(system: LocalSystem) -> None:
    folder = str(system.options.folder)
    report = await asyncio.to_thread(run, "doctor", "--folder", folder, "--origin", page_of(system))
    found = Report(report)
    assert (found.code, report.stderr) == (0, ""), found.output
    assert found.of_state("ok") == found.lines.keys() != set()
    assert report.stdout.endswith("Nothing is wrong.\n")
    assert set(found.lines) == {
        *("configuration", "secrets", "database", "migrations", "database role", "pooler"),
        *("tidied", f"sign-in {ISSUER}", "token", "model", "tools"),
        *("endpoint", "clock"),
        *("origin, chat", "origin, tools", "streaming"),
    }

    keys = LocalKeys.of(system.options.folder)
    passwords = [
        urlsplit(url).password
        for url in (system.endpoints.database_url, system.endpoints.app_database_url)
    ]
    for secret in (keys.tool_signing_key, keys.session_signing_key, keys.sign_in_key, *passwords):
        assert secret
        assert secret not in found.output


async def test_it_leaves_no_thread_behind(system: LocalSystem) -> None:
    token = system.token(new_id("user"))
    report = await deployed(system, SIDESTREAM_TOKEN=token)
    assert report.code == 0, report.output
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=headers) as client:
        listing = {"type": "threads.list", "params": {"limit": 10, "order": "desc"}}
        assert (await client.post("/api/chatkit", json=listing)).json()["data"] == []


async def test_only_addresses_are_enough_to_look_from_outside(system: LocalSystem) -> None:
    bare = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
    report = await examine(bare, "doctor", "--url", system.chat.url)
    assert report.code == 0, report.output
    assert report.of_state("ok") == {"endpoint", "clock"}
    assert "DATABASE_URL" in report.sentence("configuration")
    assert report.of_state("failed") == set()


async def test_each_missing_setting_is_named_and_the_others_are_used(system: LocalSystem) -> None:
    report = await deployed(
        system, TOOL_SIGNING_KEY=None, SESSION_SIGNING_KEY=f"{MARKER}", MAX_TURNS="0"
    )
    assert report.code == 1
    assert report.of_state("failed") == {"configuration"}
    sentence = report.sentence("configuration")
    assert "TOOL_SIGNING_KEY is missing" in sentence
    assert "SESSION_SIGNING_KEY is not valid" in sentence
    assert "MAX_TURNS is not valid" in sentence
    assert report.of_state("unchecked") == {"secrets", "tools"}
    assert report.state("database") == "ok"
    assert MARKER not in report.output


async def test_what_does_not_answer_is_named(system: LocalSystem) -> None:
    issuer = {"issuer": "https://gone", "audience": "a", "jwks_url": f"{DEAD}/jwks"}
    keyless = {"issuer": "https://keyless", "audience": "a", "jwks_url": f"{system.chat.url}/"}
    report = await deployed(
        system,
        *("--tools-url", DEAD),
        AUTH_ISSUERS=json.dumps([issuer, keyless]),
        DATABASE_URL=DEAD_DATABASE,
        DIRECT_DATABASE_URL=DEAD_DATABASE,
        OPENAI_BASE_URL=f"{DEAD}/v1",
    )
    assert report.code == 1
    assert report.of_state("ok") == {
        *("configuration", "secrets", "endpoint", "clock", "origin, chat", "streaming")
    }
    assert report.of_state("unchecked") == {"database role", "tidied", "pooler"}
    for name in ("sign-in https://gone", "database", "model", "tools", "origin, tools"):
        words = ("cannot be reached", "connection refused")
        assert any(word in report.sentence(name) for word in words), name
    assert "does not exist" in report.sentence("sign-in https://keyless")
    assert report.sentence("token").startswith("unknown_issuer: ")
    assert MARKER not in report.output
    assert report.output.endswith("8 of 17 to mend.\n")


async def test_what_refuses_us_is_told_from_what_is_away(
    system: LocalSystem, postgres: EmbeddedPostgres
) -> None:
    wrong_password = postgres.app_url.replace(postgres.app_password, f"wrong-{MARKER}")
    async with ScriptedModelServer(ModelSettings(api_key="another")) as model:
        report = await deployed(
            system,
            *("--origin", "https://elsewhere.example"),
            DATABASE_URL=wrong_password,
            TOOL_SIGNING_KEY=f"{MARKER}-another-key-0123456789abcdef",
            SIDESTREAM_TOKEN=f"{MARKER}.e30.x",
            OPENAI_API_KEY=MARKER,
            OPENAI_BASE_URL=model.base_url,
        )
    assert report.code == 1
    assert "authentication failed; look at the role and its password" in report.sentence("database")
    assert "authentication failed; TOOL_SIGNING_KEY differs" in report.sentence("tools")
    assert "refuses the token" in report.sentence("streaming")
    assert report.sentence("token").startswith("malformed: ")
    assert "authentication failed; look at OPENAI_API_KEY" in report.sentence("model")
    assert "does not allow https://elsewhere.example" in report.sentence("origin, chat")
    assert "does not allow https://elsewhere.example" in report.sentence("origin, tools")
    assert MARKER not in report.output


async def test_a_sign_in_is_judged_as_the_functions_do(system: LocalSystem) -> None:
    with sign_in_server() as odd, sign_in_server() as broken:
        odd.sign_with(SIGNING_KEYS["RS256"])
        odd.keys += [odd.keys[0], {**odd.keys[0], "kid": "2", "use": "enc"}]
        broken.keys = [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]
        issuers = [odd.issuer, broken.issuer]
        tokens = {
            "ok": odd.token("alice"),
            "audience": odd.token("alice", aud="elsewhere"),
            "unknown_key": jwt.encode(
                odd.claims("alice"), odd.key, "RS256", headers={"kid": "other"}
            ),
            "unchecked": broken.token("alice"),
        }
        said = {}
        for name, token in tokens.items():
            report = await deployed(
                system,
                AUTH_ISSUERS=json.dumps([each.model_dump(mode="json") for each in issuers]),
                SIDESTREAM_TOKEN=token,
            )
            said[name] = f"{report.state('token')}: {report.sentence('token')}"
            assert "keys: " not in report.output, name  # the log's words
    assert report.sentence(f"sign-in {odd.url}") == (
        "1 usable (RS256), 1 ignored (a kid that is there already), 1 ignored (not for signatures)."
    )
    assert "private or symmetric" in report.sentence(f"sign-in {broken.url}")
    assert said["ok"] == "ok: It speaks for a person."
    assert said["audience"].startswith("failed: audience: ")
    assert said["unknown_key"].startswith("failed: unknown_key: ")
    assert said["unchecked"].startswith("unchecked: ")


async def test_a_migration_that_is_missing_is_named(
    system: LocalSystem, postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute("drop database if exists doctor_pending")
        connection.execute("create database doctor_pending owner sidestream_owner")
    url = postgres.owner_url.rpartition("/")[0] + "/doctor_pending"
    folders = DOMAIN.migration_folders
    applied = await asyncio.to_thread(migrate, url, folders=folders)
    await asyncio.to_thread(rollback, url, 1, folders=folders)
    report = await deployed(system, DIRECT_DATABASE_URL=url)
    assert report.of_state("failed") == {"migrations"}
    assert applied[-1] in report.sentence("migrations")
    assert "sidestream migrate" in report.sentence("migrations")
    assert report.code == 1


async def test_a_role_that_bypasses_row_security_is_refused(
    system: LocalSystem, postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute("drop role if exists doctor_bypass")
        connection.execute(f"create role doctor_bypass login bypassrls password '{MARKER}'")
    target = urlsplit(postgres.app_url)
    url = f"postgresql://doctor_bypass:{MARKER}@127.0.0.1:{target.port}{target.path}"
    try:
        report = await deployed(system, DATABASE_URL=url)
    finally:
        with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
            connection.execute("drop role doctor_bypass")
    assert report.of_state("failed") == {"database role"}
    assert "doctor_bypass bypasses row-level security" in report.sentence("database role")
    assert MARKER not in report.output


async def test_the_owner_of_the_tables_is_refused(system: LocalSystem) -> None:
    report = await deployed(system, DATABASE_URL=system.endpoints.database_url)
    assert "database role" in report.of_state("failed")
    assert "sidestream_app" in report.sentence("database role")


async def test_a_pooler_in_transaction_mode_is_recognised(
    system: LocalSystem, pgbouncer_url: str
) -> None:
    report = await deployed(system, DATABASE_URL=pgbouncer_url)
    assert report.code == 0, report.output
    assert report.state("pooler") == "ok"
    assert "transaction mode" in report.sentence("pooler")
    direct = await deployed(system)
    assert direct.state("pooler") == "warning"


async def test_models_that_are_unknown_or_leave_are_named(system: LocalSystem) -> None:
    today = datetime.now(UTC).date()
    models = (
        ModelEntry("stays"),
        ModelEntry("leaves", shutdown_date=str(today + timedelta(days=40))),
        ModelEntry("left", shutdown_date=str(today - timedelta(days=1))),
    )
    states = {}
    async with ScriptedModelServer(ModelSettings(models=models)) as server:
        for name in ("stays", "leaves", "left", "never-was"):
            report = await deployed(system, OPENAI_BASE_URL=server.base_url, MODEL=name)
            states[name] = report.state("model")
            assert name in report.sentence("model")
            assert report.code == int(states[name] == "failed")
    assert states == {"stays": "ok", "leaves": "warning", "left": "failed", "never-was": "failed"}


async def test_secrets_of_secrets_manager_are_read_and_not_shown(system: LocalSystem) -> None:
    client = boto3.client(
        "secretsmanager",
        endpoint_url=system.endpoints.aws,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    secret = await asyncio.to_thread(
        client.create_secret, Name=new_id("doctor"), SecretString=f"{MARKER}-0123456789abcdefghij"
    )
    client.close()
    good = await deployed(system, SESSION_SIGNING_KEY_SECRET_ARN=secret["ARN"])
    assert good.code == 0, good.output
    assert "1 of them from Secrets Manager" in good.sentence("secrets")
    gone = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{new_id('gone')}"
    bad = await deployed(
        system,
        SESSION_SIGNING_KEY_SECRET_ARN=secret["ARN"],
        OPENAI_API_KEY_SECRET_ARN=gone,
        TOOL_SIGNING_KEY_SECRET_ARN=gone,
    )
    assert bad.code == 1
    assert bad.of_state("failed") == {"configuration", "secrets"}
    assert "OPENAI_API_KEY" in bad.sentence("secrets")
    assert "TOOL_SIGNING_KEY" in bad.sentence("secrets")
    assert MARKER not in good.output + bad.output


@asynccontextmanager
async def aws_before(system: LocalSystem) -> AsyncIterator[str]:
    """A Function URL with `AWS_IAM` before the tool server, reached as a proxy: what AWS checks of
    a signature is its key here."""

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        signature = request.headers.get("authorization", "")
        if not signature.startswith("AWS4-HMAC-SHA256 Credential=local/"):
            await JSONResponse({"Message": "Forbidden"}, 403)(scope, receive, send)
            return
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("host", "connection", "accept-encoding", "proxy-connection")
        }
        answer = await client.post("/mcp", content=await request.body(), headers=headers)
        kind = answer.headers["content-type"]
        await Response(answer.content, answer.status_code, media_type=kind)(scope, receive, send)

    async with (
        httpx2.AsyncClient(base_url=system.tools.url) as client,
        serve(_http(forward)) as url,
    ):
        yield url


def _http(app: ASGIApp) -> ASGIApp:
    """An application that has no lifespan."""

    async def serve_http(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)

    return serve_http


async def test_a_tool_url_that_takes_signed_calls(system: LocalSystem) -> None:
    signed = {
        "TOOLS_MCP_AUTH": "sigv4",
        "TOOLS_MCP_URL": "http://abcdefgh.lambda-url.eu-central-1.on.aws/mcp",
        "NO_PROXY": "127.0.0.1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    async with aws_before(system) as proxy:
        signed["HTTP_PROXY"] = proxy
        good = await deployed(system, **signed)
        assert good.state("tools") == "ok", good.output
        # The page does not call such a URL: it goes through the front that the chat has as well.
        assert system.chat.url in good.sentence("origin, tools")

        refused = await deployed(system, **signed, AWS_ACCESS_KEY_ID="another")
        assert "AWS refuses our signature" in refused.sentence("tools")

        other = f"{MARKER}-another-key-0123456789abcdef"
        wrong = await deployed(system, **signed, TOOL_SIGNING_KEY=other)
        assert "TOOL_SIGNING_KEY differs" in wrong.sentence("tools")

        bare = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "HOME": "/nowhere"}
        unsigned = await deployed(system, **{**signed, **bare})
        assert unsigned.state("tools") == "unchecked"
        assert "needs AWS credentials" in unsigned.sentence("tools")

        custom = await deployed(
            system, **{**signed, "TOOLS_MCP_URL": "https://tools.example.com/mcp"}
        )
        assert "must be a Function URL" in custom.sentence("configuration")
        assert custom.state("tools") == "unchecked"
    for report in (good, refused, wrong, unsigned, custom):
        assert MARKER not in report.output


@asynccontextmanager
async def proxy_before(system: LocalSystem, **extra: str) -> AsyncIterator[str]:
    """A proxy that waits for a whole answer before it passes it on, with headers of its own."""

    async def forward(request: Request) -> Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("host", "connection", "accept-encoding")
        }
        answer = await client.request(
            request.method, request.url.path, content=await request.body(), headers=headers
        )
        response = Response(answer.content, answer.status_code)
        for name, value in answer.headers.multi_items():
            if name not in ("content-length", "transfer-encoding", "connection"):
                response.headers.append(name, value)
        for name, value in extra.items():
            response.headers.append(name.replace("_", "-"), value)
        return response

    methods = ["GET", "POST", "PATCH", "OPTIONS"]
    app = Starlette(routes=[Route("/{path:path}", forward, methods=methods)])
    async with (
        httpx2.AsyncClient(base_url=system.chat.url, timeout=60) as client,
        serve(app) as url,
    ):
        yield url


async def test_an_answer_that_comes_in_one_piece_is_noticed(system: LocalSystem) -> None:
    async with proxy_before(system) as url:
        arguments = ("doctor", "--url", url, "--origin", page_of(system))
        report = await examine(environment(system), *arguments)
    assert report.of_state("failed") == {"streaming"}
    assert "RESPONSE_STREAM" in report.sentence("streaming")
    assert report.code == 1


@asynccontextmanager
async def without_comments(system: LocalSystem) -> AsyncIterator[str]:
    """A proxy that passes on the events of a stream, and nothing else of it."""

    async def forward(request: Request) -> Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("host", "connection", "accept-encoding")
        }
        sent = client.build_request(
            request.method, request.url.path, content=await request.body(), headers=headers
        )
        answer = await client.send(sent, stream=True)

        async def events() -> AsyncIterator[bytes]:
            rest = b""
            async for data in answer.aiter_raw():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if not line.startswith(b":"):
                        yield line + b"\n"
            yield rest
            await answer.aclose()

        passed = ("content-length", "transfer-encoding", "connection")
        kept = {name: value for name, value in answer.headers.items() if name not in passed}
        return StreamingResponse(events(), answer.status_code, kept)

    app = Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST", "OPTIONS"])])
    async with (
        httpx2.AsyncClient(base_url=system.chat.url, timeout=60) as client,
        serve(app) as url,
    ):
        yield url


async def test_a_stream_without_its_last_line_is_noticed(system: LocalSystem) -> None:
    async with without_comments(system) as url:
        arguments = ("doctor", "--url", url, "--origin", page_of(system))
        report = await examine(environment(system), *arguments)
    assert report.of_state("failed") == {"streaming"}
    assert "last line" in report.sentence("streaming")


async def test_cors_answered_twice_is_noticed(system: LocalSystem) -> None:
    async with proxy_before(system, access_control_allow_origin="*") as url:
        arguments = ("doctor", "--url", url, "--origin", page_of(system))
        report = await examine(environment(system), *arguments)
    assert report.state("origin, chat") == "failed"
    assert "2 places" in report.sentence("origin, chat")


@pytest.mark.parametrize(("ahead_s", "word"), [(3600, "ahead of"), (-3600, "behind")])
async def test_a_clock_that_is_wrong_is_noticed(ahead_s: int, word: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        date = formatdate(time.time() + ahead_s, usegmt=True)
        writer.write(
            f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n{}".encode()
        )
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bare = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
        report = await examine(bare, "doctor", "--url", f"http://127.0.0.1:{port}")
    assert report.state("clock") == "failed"
    assert f" s {word} this clock" in report.sentence("clock")


async def test_no_secret_is_shown_even_when_all_are_malformed(system: LocalSystem) -> None:
    report = await examine(
        environment(
            system,
            DATABASE_URL=f"postgresql://x:{MARKER}:{MARKER}@{MARKER}:{MARKER}/{MARKER}?{MARKER}",
            DIRECT_DATABASE_URL=f"{MARKER}://{MARKER}",
            TOOL_SIGNING_KEY=MARKER,
            SESSION_SIGNING_KEY=MARKER,
            OPENAI_API_KEY=f"{MARKER}\n{MARKER}",
            AUTH_ISSUERS=f'{{"{MARKER}',
            SIDESTREAM_TOKEN=f"{MARKER}\n",
            AWS_SECRET_ACCESS_KEY=MARKER,
        ),
        *("--debug", "doctor", "--url", system.chat.url),
    )
    assert report.code == 1
    assert report.state("configuration") == "failed"
    assert MARKER not in report.output


def test_no_system_is_said(tmp_path: str) -> None:
    done = run("doctor", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "make run" in done.stderr
