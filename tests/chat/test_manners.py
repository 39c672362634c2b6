"""What HTTP asks of every route of ChatFunction, whatever it is for: behind its URL and under
uvicorn."""

import codecs
import json
from typing import Final

import httpx2
import pytest

from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, create_request, thread_request
from tests.chat.conftest import UvicornChat

READS: Final = (
    "/healthz",
    "/api/chatkit/health",
    "/api/chatkit/threads/THREAD/run",
    "/api/chatkit/runs/RUN/events",
)
WRITES: Final = (
    "/api/chatkit",
    "/api/chatkit/session",
    "/api/chatkit/refresh",
    "/api/chatkit/threads/THREAD/stop",
    "/api/USER/chat",
    "/api/USER/chat/session",
)
UNSEEN: Final = ["\u200b", " \u200d\ufeff ", "\u202e\u2066", "\u3164", "\u2800", "\u3000", "\u2028"]


@pytest.fixture(params=["function", "uvicorn"])
def base_url(request: pytest.FixtureRequest, system: LocalSystem, uvicorn_chat: UvicornChat) -> str:
    return system.chat.url if request.param == "function" else uvicorn_chat.url


def allow(answer: httpx2.Response) -> set[str]:
    return {method.strip() for method in answer.headers["allow"].split(",")}


async def test_nobody_keeps_or_guesses_at_an_answer(base_url: str, alice: Client) -> None:
    run = await alice.create("hello")
    headers = {"authorization": f"Bearer {alice.token}"}
    async with httpx2.AsyncClient(base_url=base_url, timeout=30) as http:
        for method, path in (
            ("GET", "/healthz"),
            ("GET", "/api/chatkit/health"),
            ("GET", f"/api/chatkit/runs/{run.run_id}/events"),
            ("GET", f"/api/chatkit/threads/{run.thread_id}/run"),
            ("POST", "/api/chatkit/session"),
            ("POST", "/api/chatkit"),
            ("PUT", "/api/chatkit"),
            ("GET", "/nothing"),
        ):
            for given in (headers, {}):
                answer = await http.request(method, path, headers=given)
                kept = answer.headers["cache-control"].split(", ")
                assert "no-store" in kept, (method, path)
                assert answer.headers["x-content-type-options"] == "nosniff", (method, path)


async def test_each_route_answers_the_methods_that_come_for_nothing(
    base_url: str, alice: Client
) -> None:
    run = await alice.create("hello")
    names = {"THREAD": run.thread_id, "RUN": run.run_id, "USER": alice.user_id}
    async with Client(base_url, alice.token) as client:
        for route in (*READS, *WRITES):
            path = route
            for name, value in names.items():
                path = path.replace(name, value)
            own = {"GET", "HEAD"} if route in READS else {"POST"}
            options = await client.http.options(path)
            assert (options.status_code, options.content.strip()) == (200, b""), route
            assert allow(options) == own | {"OPTIONS"}, route
            for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
                refused = await client.http.request(method, path)
                assert (refused.status_code, allow(refused)) == (405, own), (method, route)
                assert refused.json()["code"] == "method_not_allowed"
            head = await client.http.head(path)
            assert head.content == b""
            if route in WRITES:
                assert (head.status_code, allow(head)) == (405, own)
                continue
            get = await client.http.get(path)
            assert (head.status_code, get.status_code) == (200, 200), route
            for name in ("content-type", "cache-control", "x-sidestream-run-id"):
                assert head.headers.get(name) == get.headers.get(name), (name, route)


async def test_head_does_not_wait_for_a_run_to_end(
    base_url: str, alice: Client, model: ScriptedModelServer
) -> None:
    model.hold(after_words=5)
    async with alice.stream(create_request("Tell me a story of 60 words")) as stream:
        await model.until(lambda: model.held_streams == 1)
        async with Client(base_url, alice.token) as client:
            head = await client.http.head(f"/api/chatkit/runs/{stream.run_id}/events")
            run = await client.http.get(f"/api/chatkit/threads/{stream.thread_id}/run")
            assert (head.status_code, run.json()["status"]) == (200, "running")
        model.release()
        await stream.rest()


@pytest.mark.parametrize(
    "path",
    [
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/oauth-protected-resource",
        "//",
        "//healthz",
        "/HEALTHZ",
        "/healthz/",
        "/healthz%00",
        "/api/chatkit/",
        "/api/chatkit/runs//events",
        "/%ff",
    ],
)
async def test_a_probe_finds_nothing(base_url: str, path: str) -> None:
    async with httpx2.AsyncClient(base_url=base_url) as http:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = await http.request(method, path)
            assert answer.status_code == 404, (method, answer.text)
            assert method == "HEAD" or answer.json()["code"] == "not_found"


async def test_query_parameters_that_nobody_knows_are_nobodys_business(base_url: str) -> None:
    async with httpx2.AsyncClient(base_url=base_url) as http:
        for query in ("?", "?a", "?a=1&a=2", "?%zz=%ff", "?utm_source=x#y"):
            answer = await http.get(f"/healthz{query}", headers={"accept": "text/html"})
            assert answer.json() == {"status": "ok"}


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", "text/plain", None]
)
async def test_a_body_is_json_whatever_it_is_called(
    base_url: str, alice: Client, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    content = json.dumps({"type": "threads.list", "params": {}})
    async with Client(base_url, alice.token) as client:
        for path in ("/api/chatkit", f"/api/{alice.user_id}/chat"):
            answer = await client.http.post(path, content=content, headers=headers)
            assert answer.json()["data"] == []


@pytest.mark.parametrize("words", UNSEEN)
async def test_nothing_to_see_is_no_message_and_no_title(alice: Client, words: str) -> None:
    assert (await alice.send(create_request(words))).status == 422
    plain = await alice.post({"message": words}, path=f"/api/{alice.user_id}/chat")
    assert plain.status == 422
    thread_id = (await alice.create(f"{words}\nBuy milk")).thread_id
    assert (await alice.get(thread_id)).title == "Buy milk"
    refused = await alice.send(thread_request("threads.update", thread_id, title=words))
    assert (refused.status, refused.problem["code"]) == (422, "invalid")
    assert (await alice.get(thread_id)).title == "Buy milk"
    named = await alice.send(thread_request("threads.update", thread_id, title=f"{words}😀"))
    assert named.status == 200


@pytest.mark.parametrize("path", ["/api/chatkit", "/api/{user}/chat"])
async def test_a_byte_order_mark_is_no_part_of_a_request(alice: Client, path: str) -> None:
    """RFC 8259, 8.1: who writes JSON puts none before it, but programs on Windows do."""
    documents: list[object] = [create_request("hello")]
    if "chatkit" not in path:
        documents.append({"message": "hello"})
    for document in documents:
        body = codecs.BOM_UTF8 + json.dumps(document).encode()
        answer = await alice.post(body, path=path.format(user=alice.user_id))
        assert answer.status == 200, answer.body
