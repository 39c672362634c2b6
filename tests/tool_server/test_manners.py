"""What HTTP and JSON-RPC ask of every route of a tool server, whatever it is for."""

import codecs
import gzip
import json
import logging
from typing import Any, Final

import httpx2
import pytest

from examples.tickets.app import create_app
from sidestream.config import Settings
from sidestream.tool_server.endpoint import HANDSHAKE_VERSIONS, VERSIONS
from tests.asgi_server import serve
from tests.sign_in import SignIn
from tests.tool_server.people import Person, assert_problem, modern_call, modern_headers

NO_SUCH_ID: Final = "tck_" + "0" * 32
JSON: Final = "application/json"
ROUTES: Final = {
    "/healthz": {"GET", "HEAD"},
    "/api/USER/tickets": {"GET", "HEAD", "POST"},
    f"/api/USER/tickets/{NO_SUCH_ID}": {"GET", "HEAD", "PATCH", "DELETE"},
}
UNSEEN: Final = [
    "\u200b",
    " \u200d\ufeff ",
    "\u202e\u2066\u2069",
    "\u2060\u00ad",
    "\u3164",
    "\u2800",
    "\ufe0f",
    "\U000e0100",
    "\u3000\u00a0",
    "\u2028",
    "\x1b\x07",
]


def allow(answer: httpx2.Response) -> set[str]:
    return {method.strip() for method in answer.headers["allow"].split(",")}


@pytest.mark.parametrize("route", ROUTES)
class TestMethods:
    async def test_options_names_them(self, alice: Person, route: str) -> None:
        answer = await alice.http.options(route.replace("USER", alice.id))
        assert (answer.status_code, answer.content) == (200, b"")
        assert allow(answer) == ROUTES[route] | {"OPTIONS"}

    @pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "QUERY"])
    async def test_another_names_them_too(self, alice: Person, route: str, method: str) -> None:
        answer = await alice.request(method, route.replace("USER", alice.id))
        assert_problem(answer, 405, "method_not_allowed")
        assert allow(answer) == ROUTES[route]

    async def test_head_is_get_without_its_body(self, alice: Person, route: str) -> None:
        path = route.replace("USER", alice.id)
        get, head = await alice.request("GET", path), await alice.request("HEAD", path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        for name in ("content-type", "content-length", "cache-control"):
            assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/mcp",
        "//",
        "//healthz",
        "/HEALTHZ",
        "/mcp/",
        "/sse",
        "/api/USER/tickets/",
        "/%ff",
        "/healthz%00",
    ],
)
async def test_a_probe_finds_nothing_and_rings_nothing(
    alice: Person, caplog: pytest.LogCaptureFixture, path: str, method: str
) -> None:
    answer = await alice.http.request(method, path.replace("USER", alice.id))
    assert answer.status_code == 404
    assert method == "HEAD" or answer.json()["code"] == "not_found"
    assert max(record.levelno for record in caplog.records) <= logging.INFO


class TestBodies:
    @pytest.mark.parametrize(
        "content_type",
        [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", None],
    )
    async def test_the_type_of_json_has_many_spellings(
        self, alice: Person, content_type: str | None
    ) -> None:
        headers = {"content-type": content_type} if content_type else {}
        content = json.dumps({"subject": "printer"})
        answer = await alice.request("POST", alice.path, content=content, headers=headers)
        assert answer.status_code == 201, answer.text

    @pytest.mark.parametrize(
        "headers",
        [
            {"content-type": "text/plain"},
            {"content-type": "application/x-www-form-urlencoded"},
            {"content-type": "application/jsonp"},
            {"content-type": JSON, "content-encoding": "gzip"},
        ],
    )
    @pytest.mark.parametrize("path", ["/api/USER/tickets", "/mcp"])
    async def test_another_type_is_refused(
        self, alice: Person, path: str, headers: dict[str, str]
    ) -> None:
        if path == "/mcp":
            headers = {**headers, "authorization": f"Bearer {alice.tool_token()}"}
        answer = await alice.request(
            "POST",
            path.replace("USER", alice.id),
            content=gzip.compress(b'{"subject": "printer"}'),
            headers=headers,
        )
        assert_problem(answer, 415, "unsupported_media")
        assert await alice.titles() == []

    async def test_what_is_asked_of_a_body_elsewhere_is_not_asked_here(
        self, settings: Settings, sign_in: SignIn
    ) -> None:
        """The chat takes recordings; no ticket is as long as one."""
        generous = settings.model_copy(update={"max_body_bytes": 6_000_000})
        longest = json.dumps({"subject": "😀" * 200, "body": "😀" * 5000})
        async with (
            serve(create_app(generous)) as url,
            httpx2.AsyncClient(base_url=url) as client,
        ):
            person = Person(client, sign_in)
            headers = {"content-type": JSON}
            fits = await person.request("POST", person.path, content=longest, headers=headers)
            assert fits.status_code == 201, fits.text
            content = longest.ljust(200_000)
            answer = await person.request("POST", person.path, content=content, headers=headers)
            assert_problem(answer, 413, "too_large")
            headers |= {
                "authorization": f"Bearer {person.tool_token()}",
                **modern_headers("add_ticket"),
            }
            answer = await client.post("/mcp", content=content, headers=headers)
            assert_problem(answer, 413, "too_large")

    @pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "text/*;q=0", ""])
    async def test_whatever_is_accepted_there_is_only_json(
        self, alice: Person, accept: str
    ) -> None:
        answer = await alice.request("GET", alice.path, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)

    async def test_nobody_keeps_or_guesses_at_an_answer(self, alice: Person) -> None:
        for method, path in (
            ("GET", "/healthz"),
            ("GET", alice.path),
            ("POST", alice.path),
            ("GET", f"{alice.path}/{NO_SUCH_ID}"),
            ("PUT", alice.path),
            ("GET", "/nothing"),
            ("POST", "/mcp"),
            ("GET", "/mcp"),
        ):
            for answer in (
                await alice.request(method, path),
                await alice.http.request(method, path),
            ):
                assert answer.headers["cache-control"] == "no-store", (method, path)
                assert answer.headers["x-content-type-options"] == "nosniff", (method, path)


@pytest.mark.parametrize("title", UNSEEN)
class TestSubjects:
    async def test_nothing_to_see_is_no_subject_over_rest(self, alice: Person, title: str) -> None:
        answer = await alice.request("POST", alice.path, json={"subject": title})
        assert_problem(answer, 422, "invalid")
        ticket = await alice.add("printer")
        answer = await alice.request(
            "PATCH", f"{alice.path}/{ticket['id']}", json={"subject": title}
        )
        assert_problem(answer, 422, "invalid")
        assert await alice.titles() == ["printer"]

    async def test_nor_over_mcp(self, alice: Person, title: str) -> None:
        result = await alice.call("add_ticket", {"subject": title})
        assert result["isError"] is True
        assert "subject" in result["content"][0]["text"]
        assert await alice.titles() == []


@pytest.mark.parametrize("title", ["!", "。", "😀", "👨‍👩‍👧", "می‌خواهم", "\u200bx", "1", "ۖ"])
async def test_little_to_see_is_enough(alice: Person, title: str) -> None:
    assert (await alice.add(title))["subject"] == title


REQUEST: Final[dict[str, Any]] = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"}


async def send(
    person: Person, message: Any, version: str | None = None, **headers: str
) -> httpx2.Response:
    """Send a message as a client of a revision does."""
    given = {"mcp-protocol-version": version} if version else {}
    if version == VERSIONS[-1] and isinstance(message, dict):
        given["mcp-method"] = str(message.get("method"))
        if isinstance(message.get("params", {}), dict):
            meta = modern_call("x")["params"]["_meta"]
            message = {**message, "params": {**message.get("params", {}), "_meta": meta}}
    return await person.http.post(
        "/mcp",
        json=message,
        headers={
            "authorization": f"Bearer {person.tool_token()}",
            "accept": "application/json, text/event-stream",
            **given,
            **headers,
        },
    )


class TestJsonRpc:
    @pytest.mark.parametrize("version", [None, *VERSIONS])
    @pytest.mark.parametrize(
        ("message", "code", "id"),
        [
            ([REQUEST], -32600, None),
            ([], -32600, None),
            ("text", -32600, None),
            ({}, -32600, None),
            (REQUEST | {"id": None}, -32600, None),
            (REQUEST | {"id": True}, -32600, None),
            (REQUEST | {"id": 1.5}, -32600, None),
            (REQUEST | {"id": [7]}, -32600, None),
            (REQUEST | {"id": {}}, -32600, None),
            (REQUEST | {"jsonrpc": "1.0"}, -32600, 7),
            ({"id": 7, "method": "tools/list"}, -32600, 7),
            ({"jsonrpc": "2.0", "id": 7}, -32600, 7),
            (REQUEST | {"method": 5}, -32600, 7),
            (REQUEST | {"params": "text"}, -32600, 7),
            (REQUEST | {"params": []}, -32602, 7),
            (REQUEST | {"method": "tasks/get"}, -32601, 7),
            (REQUEST | {"method": ""}, -32601, 7),
            (REQUEST | {"method": "notifications/initialized"}, -32601, 7),
            (REQUEST | {"method": "prompts/list"}, -32601, 7),
            (REQUEST | {"method": "subscriptions/listen"}, -32601, 7),
            (REQUEST | {"params": {"cursor": 5}}, -32602, 7),
            (REQUEST | {"method": "tools/call"}, -32602, 7),
            (REQUEST | {"method": "tools/call", "params": {"name": "drop"}}, -32602, 7),
        ],
    )
    async def test_what_breaks_it_gets_its_error(
        self, alice: Person, message: Any, code: int, id: int | None, version: str | None
    ) -> None:
        name = message["params"]["name"] if "drop" in str(message) else ""
        headers = {"mcp-name": name} if name else {}
        answer = await send(alice, message, version, **headers)
        assert answer.headers["content-type"] == JSON
        document = answer.json()
        assert (document["jsonrpc"], document["id"]) == ("2.0", id)
        assert document["error"]["code"] == code
        assert document["error"]["message"]

    @pytest.mark.parametrize("version", [None, *VERSIONS])
    @pytest.mark.parametrize("id", [0, -1, 2**53, "", "a", "ا"])
    async def test_an_id_comes_back_as_it_was(
        self, alice: Person, id: int | str, version: str | None
    ) -> None:
        answer = await send(alice, REQUEST | {"id": id}, version)
        assert answer.status_code == 200
        assert answer.json()["id"] == id
        assert len(answer.json()["result"]["tools"]) == 7

    @pytest.mark.parametrize("version", [None, *VERSIONS])
    async def test_a_notification_gets_no_answer_and_does_nothing(
        self, alice: Person, version: str | None
    ) -> None:
        call = {"name": "add_ticket", "arguments": {"subject": "a ghost"}}
        for method, params in (("notifications/initialized", {}), ("tools/call", call)):
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            answer = await send(alice, message, version)
            assert (answer.status_code, answer.content) == (202, b"")
        assert await alice.titles() == []

    @pytest.mark.parametrize("accept", [None, "*/*", "application/*", "application/json;q=0.5"])
    async def test_an_answer_in_json_is_accepted_by_many(
        self, alice: Person, accept: str | None
    ) -> None:
        async with httpx2.AsyncClient(base_url=alice.http.base_url) as client:
            del client.headers["accept"]
            headers = {"accept": accept} if accept else {}
            headers["authorization"] = f"Bearer {alice.tool_token()}"
            answer = await client.post("/mcp", json=REQUEST, headers=headers)
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize("version", [None, *VERSIONS])
    async def test_who_takes_no_json_is_told(self, alice: Person, version: str | None) -> None:
        for accept in ("text/event-stream", "text/html, image/*", "application/jsonx"):
            answer = await send(alice, REQUEST, version, accept=accept)
            assert_problem(answer, 406, "not_acceptable")


class TestVersions:
    @pytest.mark.parametrize(
        ("asked", "agreed"),
        [
            ("2025-11-25", "2025-11-25"),
            ("2025-06-18", "2025-06-18"),
            ("2025-03-26", "2025-11-25"),  # asks for batches
            ("2024-11-05", "2025-11-25"),  # asks for a stream from GET
            ("2026-07-28", "2025-11-25"),  # has no handshake
            ("1999-01-01", "2025-11-25"),
            ("latest", "2025-11-25"),
            ("", "2025-11-25"),
        ],
    )
    @pytest.mark.parametrize("header", [None, "2025-11-25", "2025-03-26", "2099-01-01"])
    async def test_one_is_agreed_to_only_if_all_of_it_is_kept(
        self, alice: Person, asked: str, agreed: str, header: str | None
    ) -> None:
        client = {"name": "test", "version": "1"}
        params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": client}
        answer = await send(alice, REQUEST | {"method": "initialize", "params": params}, header)
        assert answer.json()["result"]["protocolVersion"] == agreed
        assert agreed in HANDSHAKE_VERSIONS

    @pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2099-01-01", "x", "x" * 999])
    async def test_another_in_the_header_is_refused(self, alice: Person, version: str) -> None:
        answer = await send(alice, REQUEST, version)
        assert answer.status_code == 400
        document = answer.json()
        assert (document["id"], document["error"]["code"]) == (7, -32022)
        assert document["error"]["data"] == {
            "supported": list(VERSIONS),
            "requested": version[:50],
        }


class TestByteOrderMark:
    """RFC 8259, 8.1: who writes JSON puts none before it, but programs on Windows do."""

    async def test_before_a_ticket(self, alice: Person) -> None:
        headers = {"content-type": JSON}
        content = codecs.BOM_UTF8 + b'{"subject": "printer"}'
        added = await alice.request("POST", alice.path, content=content, headers=headers)
        assert added.status_code == 201
        path = f"{alice.path}/{added.json()['id']}"
        content = codecs.BOM_UTF8 + b'{"subject": "old printer"}'
        assert (await alice.request("PATCH", path, content=content, headers=headers)).is_success
        assert await alice.titles() == ["old printer"]

    async def test_before_a_message_to_the_tools(self, alice: Person) -> None:
        headers = {"authorization": f"Bearer {alice.tool_token()}", "content-type": JSON}
        content = (
            codecs.BOM_UTF8 + json.dumps(modern_call("add_ticket", {"subject": "printer"})).encode()
        )
        answer = await alice.http.post(
            "/mcp", headers={**headers, **modern_headers("add_ticket")}, content=content
        )
        assert "error" not in answer.json()
        assert await alice.titles() == ["printer"]

    async def test_only_one(self, alice: Person) -> None:
        content = codecs.BOM_UTF8 * 2 + b'{"subject": "printer"}'
        headers = {"content-type": JSON}
        answer = await alice.request("POST", alice.path, content=content, headers=headers)
        assert_problem(answer, 400, "bad_request")
