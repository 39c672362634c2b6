"""The REST that every tool server shares: tokens, routing, CORS, and bodies that are none."""

from typing import Any

import httpx2
import pytest

from examples.tickets.app import create_app
from sidestream.config import Settings
from sidestream.signing_key import session_key
from tests.asgi_server import serve
from tests.sign_in import SignIn
from tests.tool_server.people import Person, assert_problem


class TestBodies:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b'{"subject": "x"',
            b'{"subject": NaN}',
            b"\xff\xfe",
            '{"subject": "x"}'.encode("utf-16"),
            b"[" * 50_000,
            b"1" * 5_000,
        ],
    )
    async def test_refuses_what_is_not_json(self, alice: Person, content: bytes) -> None:
        headers = {"content-type": "application/json"}
        answer = await alice.request("POST", alice.path, content=content, headers=headers)
        assert_problem(answer, 400, "bad_request")

    async def test_refuses_another_type_of_content(self, alice: Person) -> None:
        answer = await alice.request("POST", alice.path, data={"subject": "x"})
        assert_problem(answer, 415, "unsupported_media")

    @pytest.mark.parametrize("declared", [True, False])
    async def test_refuses_a_body_that_is_too_large(self, alice: Person, declared: bool) -> None:
        content = b'{"subject": "' + b"x" * 100_000 + b'"}'

        async def chunks() -> Any:
            for start in range(0, len(content), 8192):
                yield content[start : start + 8192]

        answer = await alice.request(
            "POST",
            alice.path,
            content=content if declared else chunks(),
            headers={"content-type": "application/json"},
        )
        assert_problem(answer, 413, "too_large")

    @pytest.mark.parametrize("key", ["", "a b", "x" * 201, "clé"])
    async def test_refuses_a_malformed_key(self, alice: Person, key: str) -> None:
        headers = {
            b"idempotency-key": key.encode("latin-1"),
            b"authorization": f"Bearer {alice.sign_in.token(alice.id)}".encode(),
        }
        answer = await alice.http.post(alice.path, json={"subject": "x"}, headers=headers)
        assert_problem(answer, 422, "invalid")


class TestTokens:
    async def test_needs_one(self, alice: Person) -> None:
        answer = await alice.http.get(alice.path)
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_refuses_tokens_for_other_services(self, alice: Person) -> None:
        session, _ = session_key("a secret for sessions, 32 bytes or so", 600).mint(alice.id)
        for token in (alice.tool_token(), session, "opaque-session-token", "a.b.c"):
            answer = await alice.http.get(alice.path, headers={"authorization": f"Bearer {token}"})
            assert_problem(answer, 401, "unauthorized")

    async def test_takes_the_token_from_our_own_header_behind_sigv4(self, alice: Person) -> None:
        answer = await alice.http.get(
            alice.path,
            headers={
                "authorization": "AWS4-HMAC-SHA256 Credential=...",
                "x-sidestream-authorization": f"Bearer {alice.sign_in.token(alice.id)}",
            },
        )
        assert answer.status_code == 200


class TestRouting:
    async def test_healthz_needs_nothing(self, http: httpx2.AsyncClient) -> None:
        answer = await http.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    @pytest.mark.parametrize("path", ["/", "/api", "/api/alice", "/mcp/", "/healthz/", "/../x"])
    async def test_an_unknown_path_is_a_problem(self, alice: Person, path: str) -> None:
        assert_problem(await alice.http.get(path), 404, "not_found")

    async def test_another_method_is_a_problem(self, alice: Person) -> None:
        answer = await alice.request("PUT", alice.path, json={})
        assert_problem(answer, 405, "method_not_allowed")
        assert {method.strip() for method in answer.headers["allow"].split(",")} == {
            "GET",
            "HEAD",
            "POST",
        }

    async def test_echoes_a_plain_request_id_and_no_other(self, http: httpx2.AsyncClient) -> None:
        answer = await http.get("/healthz", headers={"x-request-id": "page-17"})
        assert answer.headers["x-request-id"] == "page-17"
        answer = await http.get("/healthz", headers={"x-request-id": 'x" onload="y'})
        assert answer.headers["x-request-id"].isalnum()


class TestCors:
    async def test_says_nothing_unless_configured(self, alice: Person) -> None:
        answer = await alice.request("GET", alice.path, headers={"origin": "http://localhost:3000"})
        assert "access-control-allow-origin" not in answer.headers

    async def test_answers_for_configured_origins(
        self, settings: Settings, sign_in: SignIn
    ) -> None:
        origin = "http://localhost:3000"
        app = create_app(settings.model_copy(update={"cors_origins": (origin,)}))
        async with serve(app) as url, httpx2.AsyncClient(base_url=url) as client:
            person = Person(client, sign_in)
            preflight = await client.options(
                person.path,
                headers={
                    "origin": origin,
                    "access-control-request-method": "PATCH",
                    "access-control-request-headers": "authorization, idempotency-key",
                },
            )
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == origin
            refused = await client.get(person.path, headers={"origin": origin})
            assert refused.status_code == 401
            assert refused.headers["access-control-allow-origin"] == origin
            other = await client.get(person.path, headers={"origin": "http://evil.example"})
            assert "access-control-allow-origin" not in other.headers
