"""The session issuer behind an app as the chat mounts it, over real HTTP."""

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import jwt
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import HttpUrl, SecretStr

from sidestream.config import ChatSettings
from sidestream.identity import Verifier
from sidestream.issuer import SESSION_ISSUER
from sidestream.problems import BadGateway, Problem, problem_response
from sidestream.sessions.hosted import HostedIssuer
from sidestream.sessions.routes import session_routes
from sidestream.signing_key import CHAT_AUDIENCE, SigningKey, session_key, tool_key
from tests.asgi_server import serve
from tests.sign_in import SignIn, sign_in_server

SESSION_SECRET = "the secret of sessions, 32 bytes or more"
TOOL_SECRET = "the secret of tools, also 32 bytes or more"


@pytest.fixture(scope="module")
def sign_in() -> Iterator[SignIn]:
    with sign_in_server() as service:
        yield service


@pytest.fixture(scope="module")
def settings(sign_in: SignIn) -> ChatSettings:
    return ChatSettings(
        database_url=SecretStr("postgresql://unused@127.0.0.1/none"),
        tool_signing_key=SecretStr(TOOL_SECRET),
        session_signing_key=SecretStr(SESSION_SECRET),
        session_ttl_s=600,
        session_max_age_s=43_200,
        tools_mcp_url=HttpUrl("http://127.0.0.1:1/mcp"),
        auth_issuers=(sign_in.issuer,),
    )


def key_of(settings: ChatSettings) -> SigningKey:
    """What sessions are signed with."""
    return session_key(SESSION_SECRET, settings.session_ttl_s)


def verifier_of(settings: ChatSettings) -> Verifier:
    """What the chat routes accept."""
    return Verifier(settings.auth_issuers, [key_of(settings)])


@asynccontextmanager
async def running(settings: ChatSettings) -> AsyncIterator[httpx2.AsyncClient]:
    """The routes in an app that answers problems as the chat does."""
    app = FastAPI()

    @app.exception_handler(Problem)
    async def on_problem(_request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        return problem_response(problem, "request-1")

    app.include_router(session_routes(settings, verifier_of(settings), key_of(settings)))
    async with serve(app) as url, httpx2.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def post(client: httpx2.AsyncClient, path: str, token: str | None) -> httpx2.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await client.post(path, headers=headers)


def session_token(subject: str, **changes: Any) -> str:
    """A session token with some claims changed; a change to `...` removes one."""
    now = int(time.time())
    claims = {
        "iss": SESSION_ISSUER,
        "aud": CHAT_AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + 600,
        "sid": "ses_1",
        "auth_time": now,
    }
    kept = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
    return jwt.encode(kept, SESSION_SECRET, "HS256")


class TestSession:
    @pytest.mark.parametrize("path", ["/api/chatkit/session", "/api/alice/chat/session"])
    async def test_gives_a_secret_that_the_chat_accepts(
        self, settings: ChatSettings, sign_in: SignIn, path: str
    ) -> None:
        async with running(settings) as client:
            answer = await post(client, path, sign_in.token("alice"))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        session = answer.json()
        assert set(session) == {"client_secret", "session_id", "expires_at"}
        assert session["session_id"].startswith("ses_")
        assert 590 <= session["expires_at"] - time.time() <= 600
        claims = await verifier_of(settings).claims(session["client_secret"])
        assert claims["sub"] == "alice"
        assert claims["sid"] == session["session_id"]
        assert claims["exp"] == session["expires_at"]

    async def test_the_persons_name_goes_with_it_and_nothing_else(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        token = sign_in.token("alice", name=" Alice\n Khan ", email="a@b.example", role="admin")
        nameless = sign_in.token("alice", name="\u200b", email="a@b.example")
        async with running(settings) as client:
            first = (await post(client, "/api/chatkit/session", token)).json()
            second = await post(client, "/api/chatkit/refresh", first["client_secret"])
            other = await post(client, "/api/chatkit/session", nameless)
        known = {"iss", "aud", "sub", "iat", "exp", "sid", "auth_time"}
        verifier = verifier_of(settings)
        for secret in (first["client_secret"], second.json()["client_secret"]):
            claims = await verifier.claims(secret)
            assert claims["name"] == "Alice Khan"
            assert set(claims) == {*known, "name"}
        assert set(await verifier.claims(other.json()["client_secret"])) == known

    @pytest.mark.parametrize(
        ("said", "kept"), [("Asia/Karachi", "Asia/Karachi"), ("Atlantis/Centre", "UTC"), (7, "UTC")]
    )
    async def test_the_time_zone_goes_with_it(
        self, settings: ChatSettings, sign_in: SignIn, said: object, kept: str
    ) -> None:
        token = sign_in.token("alice", zoneinfo=said)
        async with running(settings) as client:
            first = (await post(client, "/api/chatkit/session", token)).json()
            second = await post(client, "/api/chatkit/refresh", first["client_secret"])
        verifier = verifier_of(settings)
        for secret in (first["client_secret"], second.json()["client_secret"]):
            assert (await verifier.claims(secret))["zoneinfo"] == kept

    async def test_each_is_new(self, settings: ChatSettings, sign_in: SignIn) -> None:
        async with running(settings) as client:
            ids = {
                (await post(client, "/api/chatkit/session", sign_in.token("alice"))).json()[
                    "session_id"
                ]
                for _ in range(3)
            }
        assert len(ids) == 3

    async def test_another_users_path_is_forbidden(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        async with running(settings) as client:
            answer = await post(client, "/api/bob/chat/session", sign_in.token("alice"))
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"

    @pytest.mark.parametrize(
        "path", ["/api/chatkit/session", "/api/alice/chat/session", "/api/chatkit/refresh"]
    )
    async def test_needs_a_valid_token(self, settings: ChatSettings, path: str) -> None:
        tool_token, _ = tool_key(TOOL_SECRET).mint("alice")
        async with running(settings) as client:
            for token in (None, "opaque", "a.b.c", tool_token):
                answer = await post(client, path, token)
                assert answer.status_code == 401
                assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/api/chatkit/session", "/api/alice/chat/session"])
    async def test_a_session_cannot_start_another(self, settings: ChatSettings, path: str) -> None:
        async with running(settings) as client:
            answer = await post(client, path, session_token("alice"))
        assert answer.status_code == 401

    async def test_takes_the_token_from_our_own_header_behind_sigv4(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        async with running(settings) as client:
            answer = await client.post(
                "/api/chatkit/session",
                headers={
                    "authorization": "AWS4-HMAC-SHA256 Credential=...",
                    "x-sidestream-authorization": f"Bearer {sign_in.token('alice')}",
                },
            )
        assert answer.status_code == 200


class TestRefresh:
    async def test_goes_on_with_the_same_session(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        async with running(settings) as client:
            first = (await post(client, "/api/chatkit/session", sign_in.token("alice"))).json()
            answer = await post(client, "/api/chatkit/refresh", first["client_secret"])
        assert answer.status_code == 200
        second = answer.json()
        assert second["session_id"] == first["session_id"]
        verifier = verifier_of(settings)
        before = await verifier.claims(first["client_secret"])
        after = await verifier.claims(second["client_secret"])
        assert after["sub"] == "alice"
        assert after["auth_time"] == before["auth_time"]
        assert after["exp"] >= before["exp"]

    async def test_a_sign_in_token_starts_a_new_one(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        async with running(settings) as client:
            answer = await post(client, "/api/chatkit/refresh", sign_in.token("alice"))
        assert answer.status_code == 200
        claims = await verifier_of(settings).claims(answer.json()["client_secret"])
        assert claims["sub"] == "alice"

    async def test_an_expired_session_is_refused(self, settings: ChatSettings) -> None:
        past = int(time.time()) - 60
        async with running(settings) as client:
            token = session_token("alice", iat=past - 600, exp=past)
            answer = await post(client, "/api/chatkit/refresh", token)
        assert answer.status_code == 401

    async def test_a_session_never_outlives_its_absolute_age(self, settings: ChatSettings) -> None:
        now = int(time.time())
        async with running(settings) as client:
            token = session_token("alice", auth_time=now - 43_200 + 100)
            last = await post(client, "/api/chatkit/refresh", token)
            assert last.status_code == 200
            assert 90 <= last.json()["expires_at"] - now <= 101
            token = session_token("alice", auth_time=now - 43_200)
            over = await post(client, "/api/chatkit/refresh", token)
        assert over.status_code == 401
        assert over.json()["detail"] == "The session is too old. Sign in again."

    @pytest.mark.parametrize(
        "changes", [{"sid": ...}, {"sid": 7}, {"auth_time": ...}, {"auth_time": "now"}]
    )
    async def test_a_session_without_its_claims_is_refused(
        self, settings: ChatSettings, changes: dict[str, Any]
    ) -> None:
        async with running(settings) as client:
            token = session_token("alice", **changes)
            answer = await post(client, "/api/chatkit/refresh", token)
        assert answer.status_code == 401


class OpenAI:
    """A double of OpenAI's sessions endpoint, in the shape of its public reference: answers as told
    and keeps what it was asked. `statuses` are those of the next answers, before `status`."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.status = 200
        self.content: bytes | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.url = ""

    def answer(self) -> tuple[int, bytes]:
        self.answers.wait()
        status = self.statuses.pop(0) if self.statuses else self.status
        if self.content is not None:
            return status, self.content
        document: dict[str, Any] = {
            "error": {
                "message": "the key sk-secret is wrong",
                "type": "invalid_request_error",
                "param": None,
                "code": "x",
            }
        }
        if status == 200:
            document = {
                "id": "cksess_1",
                "object": "chatkit.session",
                "client_secret": "ek_1",
                "expires_at": 1_800_000_000,
                "status": "active",
                "user": "alice",
                "workflow": {
                    "id": "wf_1",
                    "version": None,
                    "state_variables": None,
                    "tracing": {"enabled": True},
                },
                "max_requests_per_1_minute": 10,
                "rate_limits": {"max_requests_per_1_minute": 10},
                "chatkit_configuration": {
                    "automatic_thread_titling": {"enabled": True},
                    "file_upload": {"enabled": False, "max_file_size": None, "max_files": None},
                    "history": {"enabled": True, "recent_threads": None},
                },
            }
        return status, json.dumps(document).encode()


@pytest.fixture
def openai() -> Iterator[OpenAI]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.requests.append((self.path, headers, body))
            status, content = service.answer()
            self.send_response(status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    service = OpenAI()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            service.answers.set()
            server.shutdown()
            thread.join()


class TestHosted:
    def hosted(self, settings: ChatSettings, url: str, key: str = "sk-secret") -> ChatSettings:
        return settings.model_copy(
            update={
                "openai_chatkit_workflow_id": "wf_1",
                "openai_api_key": SecretStr(key),
                "openai_base_url": HttpUrl(url),
            }
        )

    async def test_asks_openai_for_a_session_of_the_workflow(
        self, settings: ChatSettings, sign_in: SignIn, openai: OpenAI
    ) -> None:
        async with running(self.hosted(settings, openai.url)) as client:
            for path in ("/api/chatkit/session", "/api/chatkit/refresh"):
                answer = await post(client, path, sign_in.token("alice"))
                assert answer.status_code == 200
                assert answer.json() == {
                    "client_secret": "ek_1",
                    "session_id": "cksess_1",
                    "expires_at": 1_800_000_000,
                }
        path, headers, body = openai.requests[0]
        assert path == "/v1/chatkit/sessions"
        assert headers["authorization"] == "Bearer sk-secret"
        assert headers["openai-beta"] == "chatkit_beta=v1"
        assert body == {"user": "alice", "workflow": {"id": "wf_1"}}

    @pytest.mark.parametrize(
        ("status", "headers", "answered", "code"),
        [
            (400, {}, 502, "bad_gateway"),
            (401, {}, 502, "bad_gateway"),
            (403, {}, 502, "bad_gateway"),
            (404, {}, 502, "bad_gateway"),
            (429, {"retry-after": "7", "x-should-retry": "false"}, 429, "rate_limited"),
            (429, {"x-should-retry": "false"}, 429, "rate_limited"),
            (500, {"x-should-retry": "false"}, 502, "bad_gateway"),
        ],
    )
    async def test_what_openai_refuses_is_a_problem_without_its_text(
        self,
        settings: ChatSettings,
        sign_in: SignIn,
        openai: OpenAI,
        status: int,
        headers: dict[str, str],
        answered: int,
        code: str,
    ) -> None:
        openai.status, openai.headers = status, headers
        async with running(self.hosted(settings, openai.url)) as client:
            answer = await post(client, "/api/chatkit/session", sign_in.token("alice"))
        assert answer.status_code == answered
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == code
        assert "sk-secret" not in answer.text
        if answered == 429:
            assert answer.headers["retry-after"] == headers.get("retry-after", "10")

    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    async def test_what_passes_is_asked_for_once_more(
        self, settings: ChatSettings, sign_in: SignIn, openai: OpenAI, status: int
    ) -> None:
        openai.headers = {"retry-after-ms": "1"}
        openai.statuses = [status]
        async with running(self.hosted(settings, openai.url)) as client:
            answer = await post(client, "/api/chatkit/session", sign_in.token("alice"))
            assert answer.json()["client_secret"] == "ek_1"
            openai.statuses = [status, status]
            failed = await post(client, "/api/chatkit/session", sign_in.token("alice"))
        assert failed.status_code in (429, 502)
        assert len(openai.requests) == 4

    async def test_an_answer_that_does_not_come_is_not_waited_for(
        self, settings: ChatSettings, openai: OpenAI
    ) -> None:
        openai.answers.clear()
        issuer = HostedIssuer(self.hosted(settings, openai.url), timeout_s=0.2)
        with pytest.raises(BadGateway, match=r"OpenAI cannot be reached\."):
            await issuer.create({"sub": "alice"})
        await issuer.close()
        assert len(openai.requests) == 2

    @pytest.mark.parametrize(
        "content",
        [
            b"<html>Welcome</html>",
            b"{}",
            b"[]",
            b"null",
            b'{"id": "cksess_1", "expires_at": 1}',
            b'{"id": "cksess_1", "client_secret": {"value": "ek_1"}, "expires_at": "soon"}',
        ],
    )
    async def test_what_is_no_session_is_a_problem(
        self, settings: ChatSettings, sign_in: SignIn, openai: OpenAI, content: bytes
    ) -> None:
        openai.content = content
        async with running(self.hosted(settings, openai.url)) as client:
            answer = await post(client, "/api/chatkit/session", sign_in.token("alice"))
        assert (answer.status_code, answer.json()["code"]) == (502, "bad_gateway")
        assert "OPENAI_BASE_URL" in answer.json()["detail"]

    async def test_openai_out_of_reach_is_a_problem(
        self, settings: ChatSettings, sign_in: SignIn
    ) -> None:
        async with running(self.hosted(settings, "http://127.0.0.1:9/v1")) as client:
            answer = await post(client, "/api/chatkit/session", sign_in.token("alice"))
        assert answer.status_code == 502

    async def test_without_a_key_it_says_so(
        self, settings: ChatSettings, sign_in: SignIn, openai: OpenAI
    ) -> None:
        async with running(self.hosted(settings, openai.url, key="")) as client:
            answer = await post(client, "/api/chatkit/session", sign_in.token("alice"))
        assert answer.status_code == 501
        assert answer.json()["code"] == "not_configured"

    async def test_needs_a_valid_token_too(self, settings: ChatSettings, openai: OpenAI) -> None:
        async with running(self.hosted(settings, openai.url)) as client:
            for token in (None, "opaque"):
                answer = await post(client, "/api/chatkit/session", token)
                assert answer.status_code == 401
            answer = await post(client, "/api/chatkit/refresh", session_token("alice"))
            assert answer.status_code == 401
        assert openai.requests == []
