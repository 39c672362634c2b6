"""The MCP endpoint of a tool server, whatever its tools: transport, tokens, keys, what it says of
itself."""

import json
from typing import Any

import httpx2
import jwt
import pytest

from examples.tickets.app import create_app
from sidestream.config import Settings
from sidestream.issuer import TOOL_ISSUER
from sidestream.signing_key import TASKS_AUDIENCE, session_key
from tests.asgi_server import serve
from tests.tool_server.people import (
    TOOL_SECRET,
    Person,
    assert_problem,
    client_of,
    modern_call,
    modern_headers,
)

LONG = "x" * 40_000


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_advertises_tools_and_nothing_else(alice: Person, mode: str) -> None:
    async with client_of(alice, mode) as client:
        assert (client.protocol_version == "2026-07-28") == (mode == "auto")
        capabilities = client.server_capabilities
        assert capabilities is not None
        given = capabilities.model_dump(exclude_none=True, by_alias=True)
        assert list(given) == ["tools"]


class TestIdempotencyKeys:
    async def test_works_in_the_older_era(self, alice: Person) -> None:
        params = {
            "name": "add_ticket",
            "arguments": {"subject": "once"},
            "_meta": {"sidestream/idempotency-key": "run_1:call_1"},
        }
        for _ in range(2):
            answer = await alice.http.post(
                "/mcp",
                headers={
                    "authorization": f"Bearer {alice.tool_token()}",
                    "mcp-protocol-version": "2025-11-25",
                    "accept": "application/json, text/event-stream",
                },
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            )
            assert answer.json()["result"]["structuredContent"]["subject"] == "once"
        assert await alice.titles() == ["once"]

    @pytest.mark.parametrize("key", ["", "a b", "x" * 201, 7, ["x"]])
    async def test_a_malformed_key_is_a_protocol_error(self, alice: Person, key: Any) -> None:
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                **modern_headers("add_ticket"),
            },
            json=modern_call("add_ticket", {"subject": "x"}, key),
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == -32602
        assert await alice.titles() == []


class TestTransport:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"])
    @pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
    async def test_anything_but_post_is_405_at_once(
        self, alice: Person, method: str, version: str
    ) -> None:
        answer = await alice.http.request(
            method,
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                "accept": "text/event-stream",
                "mcp-protocol-version": version,
            },
        )
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"

    @pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28", "1999-01-01"])
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"7",
            b"\xff",
            b'{"jsonrpc":"2.0","id":1}',
            b'{"jsonrpc":"2.0","id":"\\ud800","method":"tools/list"}',
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
            b"[" * 50_000,
            b"1" * 5_000,
        ],
    )
    async def test_garbage_is_a_json_rpc_error(
        self, alice: Person, content: bytes, version: str
    ) -> None:
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                "content-type": "application/json",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": version,
            },
            content=content,
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] < 0

    async def test_an_unpaired_surrogate_is_a_parse_error(self, alice: Person) -> None:
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                "content-type": "application/json",
                **modern_headers("add_ticket"),
            },
            content=json.dumps(modern_call("add_ticket", {"subject": "\ud800"})),
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == -32700
        assert await alice.titles() == []

    async def test_an_unknown_tool_is_a_protocol_error(self, alice: Person) -> None:
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                **modern_headers("drop_tables"),
            },
            json=modern_call("drop_tables"),
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == -32602

    async def test_a_body_too_large_is_413(self, alice: Person) -> None:
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                **modern_headers("add_ticket"),
            },
            json=modern_call("add_ticket", {"subject": "x" * 100_001}),
        )
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"

    @pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
    @pytest.mark.parametrize(
        "message",
        [
            {"method": LONG},
            {"method": "tools/list", "id": LONG},
            {"method": "tools/list", "id": int("9" * 4_000)},
            {"method": "tools/call", "params": {"name": LONG, "arguments": {}}},
            {"method": "tools/call", "params": {"name": "add_ticket", "arguments": {LONG: 1}}},
            {
                "method": "tools/call",
                "params": {"name": "get_ticket", "arguments": {"ticket_id": LONG}},
            },
            {"method": "tools/call", "params": {"name": "add_ticket", "arguments": [LONG]}},
            {"method": "tools/call", "params": {"name": ["add_ticket", LONG]}},
            {"method": "tools/list", "params": {"cursor": [LONG]}},
            {"method": "initialize", "params": {"protocolVersion": LONG, "capabilities": LONG}},
        ],
        ids=lambda message: f"{message['method'][:20]} {list(message.get('params', {}))}",
    )
    async def test_an_error_is_short_and_quotes_nothing(
        self, alice: Person, message: dict[str, Any], version: str
    ) -> None:
        name = message.get("params", {}).get("name", "")
        answer = await alice.http.post(
            "/mcp",
            headers={
                "authorization": f"Bearer {alice.tool_token()}",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": version,
                "mcp-method": message["method"][:50],
                "mcp-name": name[:50] if isinstance(name, str) else "",
            },
            json={"jsonrpc": "2.0", "id": 1, **message},
        )
        assert answer.status_code in {200, 400, 404}
        assert len(answer.content) < 5_000
        assert LONG[:200] not in answer.text

    async def test_allowed_hosts_guard_against_dns_rebinding(
        self, settings: Settings, alice: Person
    ) -> None:
        guarded = settings.model_copy(update={"mcp_allowed_hosts": ("127.0.0.1:*",)})
        async with serve(create_app(guarded)) as url, httpx2.AsyncClient(base_url=url) as client:
            for host, status in ((None, 200), ("rebound.example", 421)):
                answer = await client.post(
                    "/mcp",
                    headers={
                        "authorization": f"Bearer {alice.tool_token()}",
                        **modern_headers("list_tickets"),
                        **({"host": host} if host else {}),
                    },
                    json=modern_call("list_tickets"),
                )
                assert answer.status_code == status
                if status != 200:
                    assert_problem(answer, status, "misdirected")

    async def test_no_page_may_call_but_those_that_are_named(
        self, settings: Settings, alice: Person
    ) -> None:
        pages = ("https://tasks.example", "http://localhost:*")
        named = settings.model_copy(update={"cors_origins": pages})
        for origins, origin, status in (
            ((), None, 200),
            ((), "https://tasks.example", 403),
            ((), "null", 403),
            (pages, None, 200),
            (pages, "https://tasks.example", 200),
            (pages, "http://localhost:3000", 200),
            (pages, "https://tasks.example.evil.example", 403),
            (pages, "http://tasks.example", 403),
            (pages, "https://tasks.example, https://evil.example", 403),
        ):
            async with (
                serve(create_app(named if origins else settings)) as url,
                httpx2.AsyncClient(base_url=url) as client,
            ):
                answer = await client.post(
                    "/mcp",
                    headers={
                        "authorization": f"Bearer {alice.tool_token()}",
                        **modern_headers("list_tickets"),
                        **({"origin": origin} if origin else {}),
                    },
                    json=modern_call("list_tickets"),
                )
            assert answer.status_code == status, (origins, origin)
            if status != 200:
                assert_problem(answer, 403, "forbidden")


class TestTokens:
    async def post(self, person: Person, headers: dict[str, str]) -> httpx2.Response:
        return await person.http.post(
            "/mcp",
            headers={**modern_headers("list_tickets"), **headers},
            json=modern_call("list_tickets"),
        )

    async def test_needs_one(self, alice: Person) -> None:
        answer = await self.post(alice, {})
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_takes_tool_tokens_alone(self, alice: Person) -> None:
        session, _ = session_key(TOOL_SECRET, 600).mint(alice.id)
        for token in (alice.sign_in.token(alice.id), session, "opaque", "a.b.c"):
            answer = await self.post(alice, {"authorization": f"Bearer {token}"})
            assert answer.status_code == 401
            assert answer.json()["code"] == "unauthorized"

    async def test_refuses_an_expired_one(self, alice: Person) -> None:
        claims = {"iss": TOOL_ISSUER, "aud": TASKS_AUDIENCE, "sub": alice.id}
        token = jwt.encode({**claims, "iat": 1_000, "exp": 2_000}, TOOL_SECRET, "HS256")
        answer = await self.post(alice, {"authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.json()["detail"] == "The token has expired."

    async def test_takes_it_from_our_own_header_behind_sigv4(self, alice: Person) -> None:
        answer = await self.post(
            alice,
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=...",
                "x-sidestream-authorization": f"Bearer {alice.tool_token()}",
            },
        )
        assert answer.status_code == 200
