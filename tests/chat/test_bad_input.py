"""Whatever comes in: a 4xx problem document or an error event, and nothing half written."""

import json
import re
from typing import Any, Final, get_args

import httpx2
import pytest
from chatkit.types import ChatKitReq
from pydantic import BaseModel, TypeAdapter

from sidestream.chat.app import create_app
from sidestream.config import ChatSettings
from tests.chat.catalogue import ROUTES, every_request
from tests.chat.client import Client, Document, create_request, message, thread_request
from tests.chat.conftest import Rows

_LONE = "\\ud800"
_DEEP: Final = 100_000


def _create(**changes: Any) -> Document:
    return {"type": "threads.create", "params": {"input": message("hello", **changes)}}


def _raw(text: str) -> bytes:
    """A `threads.create` whose text is given as JSON writes it."""
    return json.dumps(create_request("@")).replace('"@"', f'"{text}"').encode()


MALFORMED: Final = {
    "empty": b"",
    "white space": b" \n",
    "cut": b'{"type": "threads.list", "params": {',
    "not JSON": b"type=threads.list",
    "invalid UTF-8": b'{"type": "\xff\xfe"}',
    "surrogate in UTF-8": b'{"type": "\xed\xa0\x80"}',
    "UTF-16": '{"type": "threads.list", "params": {}}'.encode("utf-16"),
    "raw NUL": b'{"type": "threads.list\x00", "params": {}}',
    "lone surrogate": _raw(f"hello {_LONE}"),
    "reversed pair": _raw(r"hello \ude00\ud83d"),
    "bad escape": _raw(r"hello \x41"),
    "deep list": b"[" * _DEEP + b"]" * _DEEP,
    "deep object": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "two documents": b'{"type": "threads.list", "params": {}} {}',
    "trailing comma": b'{"type": "threads.list", "params": {},}',
}

INVALID: Final[dict[str, Any]] = {
    "empty object": {},
    "list": [],
    "null": None,
    "string": "threads.list",
    "number": 1,
    "no params": {"type": "threads.list"},
    "null params": {"type": "threads.list", "params": None},
    "list params": {"type": "threads.list", "params": []},
    "unknown type": {"type": "threads.explode", "params": {}},
    "empty type": {"type": "", "params": {}},
    "type of another case": {"type": "Threads.List", "params": {}},
    "null type": {"type": None, "params": {}},
    "number as type": {"type": 7, "params": {}},
    "list as type": {"type": ["threads.list"], "params": {}},
    "limit in words": {"type": "threads.list", "params": {"limit": "many"}},
    "limit in parts": {"type": "threads.list", "params": {"limit": 1.5}},
    "limit beyond numbers": {"type": "threads.list", "params": {"limit": [1]}},
    "unknown order": {"type": "threads.list", "params": {"order": "random"}},
    "null thread": {"type": "threads.get_by_id", "params": {"thread_id": None}},
    "number as thread": {"type": "threads.get_by_id", "params": {"thread_id": 5}},
    "no input": {"type": "threads.create", "params": {}},
    "text as input": {"type": "threads.create", "params": {"input": "hello"}},
    "no content": {"type": "threads.create", "params": {"input": {"attachments": []}}},
    "empty content": _create(content=[]),
    "blank text": _create(content=[{"type": "input_text", "text": " \n\t\u2003"}]),
    "null text": _create(content=[{"type": "input_text", "text": None}]),
    "unknown content": _create(content=[{"type": "input_video", "text": "hello"}]),
    "assistant's content": _create(content=[{"type": "output_text", "text": "hello"}]),
    "text as content": _create(content="hello"),
    "null attachments": _create(attachments=None),
    "number as attachment": _create(attachments=[1]),
    "null options": _create(inference_options=None),
    "model not offered": _create(inference_options={"model": "gpt-1"}),
    "empty model": _create(inference_options={"model": ""}),
    "tool not offered": _create(inference_options={"tool_choice": {"id": "rm_rf"}}),
    "NUL in the text": create_request("hel\0lo"),
    "NUL in the quote": create_request("hello", quoted_text="\0"),
    "NUL in a tag": _create(
        content=[{"type": "input_tag", "id": "\0", "text": "t", "data": {}, "interactive": False}]
    ),
    "NUL in a tag's data": _create(
        content=[{"type": "input_tag", "id": "i", "text": "t", "data": {"\0": 1}}]
    ),
    "NUL as thread": thread_request("threads.get_by_id", "thr_\0"),
    "NUL as cursor": {"type": "threads.list", "params": {"after": "\0"}},
    "NUL as title": thread_request("threads.update", "thr_x", title="a\0b"),
    "blank title": thread_request("threads.update", "thr_x", title="  "),
    "long title": thread_request("threads.update", "thr_x", title="t" * 201),
    "unknown feedback": thread_request("items.feedback", "thr_x", item_ids=["a"], kind="meh"),
    "feedback on nothing": thread_request("items.feedback", "thr_x", item_ids=[], kind="positive"),
    "feedback on much": thread_request(
        "items.feedback", "thr_x", item_ids=[str(n) for n in range(101)], kind="positive"
    ),
    "speech that is no base64": {
        "type": "input.transcribe",
        "params": {"audio_base64": "!!", "mime_type": "audio/webm"},
    },
    "speech beyond ASCII": {
        "type": "input.transcribe",
        "params": {"audio_base64": "سلام", "mime_type": "audio/webm"},
    },
    "action without a type": thread_request("threads.custom_action", "thr_x", action={}),
    "action of no widget": thread_request(
        "threads.custom_action", "thr_x", action={"type": "ticket.delete", "payload": None}
    ),
}

LARGE: Final = {
    "message": json.dumps(create_request("long " * 2_000)).encode(),
    "quote": json.dumps(create_request("hello", quoted_text="q" * 8_001)).encode(),
    "body": json.dumps(create_request("x" * 1_000_001)).encode(),
    "body of white space": b" " * 1_000_001,
    "body past Lambda's limit": b" " * 7_000_000,
    "attachments": json.dumps(_create(attachments=[f"atc_{n}" for n in range(6)])).encode(),
}


async def _nothing_written(rows: Rows, user_id: str) -> None:
    for table in ("threads", "thread_items", "runs", "run_events", "feedback", "attachments"):
        found = await rows(f"select * from {table} where user_id = %s", user_id)  # noqa: S608
        assert found == [], table


@pytest.mark.parametrize("path", ["/api/chatkit", "/api/{user}/chat"])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_json_is_a_bad_request(
    alice: Client, rows: Rows, path: str, body: bytes
) -> None:
    answer = await alice.post(body, path=path.format(user=alice.user_id))
    assert answer.status in {400, 413, 422}, answer.body
    assert answer.problem["code"] in {"bad_request", "invalid"}
    await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID.keys())
async def test_invalid_request_is_named_as_such(alice: Client, rows: Rows, document: Any) -> None:
    answer = await alice.post(json.dumps(document).encode())
    assert answer.status == 422, answer.body
    assert answer.problem["code"] == "invalid"
    await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE.keys())
async def test_large_request_is_refused(alice: Client, rows: Rows, body: bytes) -> None:
    answer = await alice.post(body)
    assert answer.status == 413, answer.body[:200]
    if len(body) < 6_000_000:
        assert answer.problem["code"] == "too_large"
    await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize("limit", [-5, 0, 1, 1_000_000, 2**31, 10**30])
@pytest.mark.parametrize("kind", ["threads.list", "items.list"])
async def test_any_limit_gives_a_page(alice: Client, kind: str, limit: int) -> None:
    thread_id = (await alice.create("hello")).thread_id
    await alice.create("hello again")
    params = {"limit": limit} | ({"thread_id": thread_id} if kind == "items.list" else {})
    answer = await alice.post({"type": kind, "params": params})
    assert answer.status == 200, answer.body
    assert len(answer.json()["data"]) == (1 if limit < 2 else 2)


async def test_catalogue_has_every_type() -> None:
    adapter: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)
    kinds = [adapter.validate_python(request).type for request in every_request("t", "i")]
    known = [get_args(model.model_fields["type"].annotation)[0] for model in _request_models()]
    assert sorted(kinds) == sorted(known)


def _request_models() -> list[type[BaseModel]]:
    union, _discriminator = get_args(ChatKitReq)
    return list(get_args(union))


def _without(document: Any, path: tuple[str, ...]) -> Any:
    if len(path) == 1:
        return {name: value for name, value in document.items() if name != path[0]}
    return {**document, path[0]: _without(document[path[0]], path[1:])}


@pytest.mark.parametrize("request_", every_request("thr_x", "msg_x"), ids=lambda r: str(r["type"]))
async def test_missing_fields_are_named(alice: Client, rows: Rows, request_: Document) -> None:
    optional = {"limit", "order", "after", "status", "answers", "payload", "result"}
    for name in request_["params"]:
        if name in optional or (name == "item_id" and "action" in request_["params"]):
            continue
        answer = await alice.post(_without(request_, ("params", name)))
        assert answer.status == 422, answer.body
        assert any(error["loc"][-1] == name for error in answer.problem["errors"])
    for name in request_:
        answer = await alice.post(_without(request_, (name,)))
        assert answer.status == 422, answer.body
    await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_json_lacks_never_break_a_thread(
    alice: Client, rows: Rows, constant: str
) -> None:
    """Python's JSON reads them, and Postgres does not."""
    tag = {"type": "input_tag", "id": "i", "text": "t", "data": {"number": "@"}}
    body = json.dumps(_create(content=[tag])).replace('"@"', constant).encode()
    answer = await alice.post(body)
    assert answer.status in {200, 400, 422}, answer.body
    if answer.status == 200:
        assert not answer.errors
        assert await alice.items(answer.thread_id)
    else:
        assert answer.problem
        await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize(
    "key", ["", "a b", "k" * 256, "ключ", "a\tb", "\x80"], ids=lambda key: ascii(key)[:12]
)
async def test_bad_idempotency_key_is_refused(alice: Client, rows: Rows, key: str) -> None:
    headers = [("idempotency-key", key.encode())]
    answer = await alice.request(
        "POST", "/api/chatkit", json=create_request("hello"), headers=headers
    )
    assert answer.status == 400, answer.body
    await _nothing_written(rows, alice.user_id)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accept-language", "x" * 4_000),
        ("accept-language", ",;q=,;;q=abc,*;q=nan,en_-_;q=1e999,ur;q=-1," * 50),
        ("x-request-id", "a" * 4_000),
        ("x-request-id", "\xe9" * 8),
        ("content-type", "text/plain; charset=utf-16"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-encoding", "gzip"),
        ("accept", "image/png"),
        ("last-event-id", "-1"),
        ("x-forwarded-for", "127.0.0.1," * 400),
        ("cookie", "a=b;" * 1_000),
        ("x-large", "x" * 7_000),
    ],
)
async def test_odd_headers_change_nothing(alice: Client, name: str, value: str) -> None:
    answer = await alice.request(
        "POST",
        "/api/chatkit",
        json=create_request("hello"),
        headers=[(name, value.encode("latin-1"))],
    )
    assert answer.status == 200, answer.body
    assert answer.text
    assert not answer.errors


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "token_id", ["%00", "%ED%A0%80", "%FF", "..%2f..", "x" * 2_000, "%F0%9F%98%80", "' or 1=1 --"]
)
async def test_odd_ids_in_paths_are_not_found(
    alice: Client, method: str, path: str, token_id: str
) -> None:
    if "{" not in path:
        return
    answer = await alice.request(
        method, re.sub(r"\{\w+\}", token_id, path), json=create_request("hello")
    )
    assert answer.status in {400, 403, 404, 422}, answer.body
    assert answer.problem


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", str(2**31), str(10**30), "%00", "NaN"])
async def test_odd_event_numbers_are_refused(alice: Client, after: str) -> None:
    run_id = (await alice.create("hello")).run_id
    answer = await alice.request("GET", f"/api/chatkit/runs/{run_id}/events?after={after}")
    if after.isdecimal():
        assert (answer.status, answer.frames) == (200, ()), answer.body
    else:
        assert answer.status == 422, answer.body
        assert answer.problem


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_other_methods_are_not_allowed(alice: Client, method: str) -> None:
    for path in ("/api/chatkit", f"/api/{alice.user_id}/chat", "/api/chatkit/session"):
        answer = await alice.request(method, path)
        assert answer.status == 405
        assert method == "HEAD" or answer.problem["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/", "/api", "/api/chatkit/", "/docs", "/openapi.json", "/%00"])
async def test_other_paths_are_not_found(alice: Client, path: str) -> None:
    answer = await alice.request("GET", path)
    assert answer.status == 404, answer.body
    assert answer.problem["code"] == "not_found"


async def test_a_page_can_read_an_unexpected_failure(
    chat_settings: ChatSettings, alice: Client
) -> None:
    """Where the function answers CORS itself, behind a REST API, that is true of every answer."""
    page = "https://tasks.example.com"
    app = create_app(chat_settings.model_copy(update={"cors_origins": (page,)}))  # never opened
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://chat") as http:
        answer = await http.post(
            "/api/chatkit",
            json=create_request("hello"),
            headers={"authorization": f"Bearer {alice.token}", "origin": page},
        )
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["access-control-allow-origin"] == page
    assert answer.headers["x-request-id"]
