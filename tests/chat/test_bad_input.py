"""Whatever comes in: a 4xx problem document or an error event, and nothing half written."""

import json
import re
import time
from typing import Any, Final, get_args

import jwt
import pytest
from chatkit.types import ChatKitReq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from sidestream.identity import session_key, tool_key
from sidestream.local import sign_in
from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.catalogue import ROUTES, every_request
from tests.chat.client import Answer, Client, Document, create_request, message, thread_request
from tests.chat.conftest import MakePerson, Rows, UvicornChat

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
    "byte order mark": b'\xef\xbb\xbf{"type": "threads.list", "params": {}}',
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
        "threads.custom_action", "thr_x", action={"type": "task.delete", "payload": None}
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


class _Tokens:
    """Every kind of token that is none."""

    def __init__(self, system: LocalSystem, user_id: str) -> None:
        self._keys = LocalKeys.of(system.options.folder)
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self._keys.sign_in_key))
        self._user_id = user_id

    def claims(self, **changes: Any) -> Document:
        now = int(time.time())
        claims = {
            "iss": sign_in.ISSUER,
            "aud": sign_in.AUDIENCE,
            "sub": self._user_id,
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not ...}

    def signed(self, kid: Any = "local", **changes: Any) -> str:
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(self.claims(**changes), self._key, "EdDSA", headers=headers)

    def good(self) -> str:
        return self.signed()

    def bad(self) -> dict[str, str | None]:
        good, now = self.good(), int(time.time())
        head, payload, signature = good.split(".")
        public = self._key.public_key().public_bytes_raw().hex() * 2
        stranger = Ed25519PrivateKey.generate()
        deep = jwt.utils.base64url_encode(b"[" * 6_000).decode()
        session = session_key(self._keys.session_signing_key, 600)
        wrong_key = session_key("another secret of more than 32 bytes", 600)
        expired = session_key(self._keys.session_signing_key, -600)
        return {
            "none": None,
            "empty": "",
            "scheme alone": "Bearer",
            "another scheme": f"Basic {good}",
            "no scheme": good,
            "garbage": "Bearer garbage",
            "dots": "Bearer ..",
            "beyond ASCII": "Bearer é.é.é",
            "two tokens": f"Bearer {good} {good}",
            "cut": f"Bearer {head}.{payload}",
            "cut signature": f"Bearer {head}.{payload}.{signature[:-4]}",
            "another payload": f"Bearer {head}.{self.signed(sub='root').split('.')[1]}.{signature}",
            "deep payload": f"Bearer {head}.{deep}.{signature}",
            "deep header": f"Bearer {deep}.{payload}.{signature}",
            "long": f"Bearer {head}.{'a' * 9_000}.{signature}",
            "unsigned": f"Bearer {jwt.encode(self.claims(), '', 'none')}",
            "public key as secret": f"Bearer {jwt.encode(self.claims(), public, 'HS256')}",
            "stranger's key": "Bearer "
            + jwt.encode(self.claims(), stranger, "EdDSA", headers={"kid": "local"}),
            "unknown key": f"Bearer {self.signed(kid='other')}",
            "no key": f"Bearer {self.signed(kid=None)}",
            "empty key": f"Bearer {self.signed(kid='')}",
            "expired": f"Bearer {self.signed(exp=now - 600)}",
            "of the future": f"Bearer {self.signed(nbf=now + 600)}",
            "issued in the future": f"Bearer {self.signed(iat=now + 600)}",
            "another audience": f"Bearer {self.signed(aud='elsewhere')}",
            "another issuer": f"Bearer {self.signed(iss='elsewhere')}",
            "no issuer": f"Bearer {self.signed(iss=...)}",
            "no expiry": f"Bearer {self.signed(exp=...)}",
            "no audience": f"Bearer {self.signed(aud=...)}",
            "no subject": f"Bearer {self.signed(sub=...)}",
            "empty subject": f"Bearer {self.signed(sub='')}",
            "long subject": f"Bearer {self.signed(sub='s' * 256)}",
            "NUL in the subject": f"Bearer {self.signed(sub='a' + chr(0))}",
            "tool token": "Bearer " + tool_key(self._keys.tool_signing_key).mint(self._user_id)[0],
            "session of another secret": f"Bearer {wrong_key.mint(self._user_id)[0]}",
            "expired session": f"Bearer {expired.mint(self._user_id)[0]}",
            "session claimed by EdDSA": f"Bearer {self.signed(iss=session.issuer, aud='chat')}",
        }


async def test_every_kind_of_wrong_token_is_refused_everywhere(
    system: LocalSystem, person: MakePerson, rows: Rows
) -> None:
    alice = person()
    tokens = _Tokens(system, alice.user_id)
    begun = await alice.create("hello")
    before = await rows("select * from thread_items where user_id = %s", alice.user_id)
    place = {"user": alice.user_id, "thread": begun.thread_id, "run": begun.run_id}
    del alice.http.headers["authorization"]
    for kind, value in tokens.bad().items():
        for method, path in ROUTES:
            headers = [] if value is None else [("authorization", value.encode("latin-1"))]
            answer = await alice.request(
                method, path.format(**place), json=create_request("hello"), headers=headers
            )
            assert answer.status == 401, (kind, method, path, answer.body)
            assert answer.problem["code"] == "unauthorized"
            # Function URLs rename this header.
            assert answer.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    after = await rows("select * from thread_items where user_id = %s", alice.user_id)
    assert after == before
    alice.http.headers["authorization"] = f"Bearer {tokens.good()}"
    assert (await alice.create("hello")).text


async def test_session_token_is_no_sign_in(alice: Client) -> None:
    session = (await alice.request("POST", "/api/chatkit/session")).json()
    alice.http.headers["authorization"] = f"Bearer {session['client_secret']}"
    assert (await alice.create("hello")).text
    for path in ("/api/chatkit/session", f"/api/{alice.user_id}/chat/session"):
        answer = await alice.request("POST", path)
        assert answer.status == 401, answer.body


_text = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", "\0", "hello", "thr_x", "msg_x", "٣", "\u202e", "￿", "a" * 300]
)
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)


def _paths(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(document, dict):
        for name, inner in document.items():
            found += _paths(inner, (*path, name))
    elif isinstance(document, list):
        for index, inner in enumerate(document):
            found += _paths(inner, (*path, index))
    return found


def _replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = document.copy()
    changed[path[0]] = _replaced(document[path[0]], path[1:], value)
    return changed


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A good request of any type with one or two of its parts replaced by any JSON."""
    document: Any = draw(st.sampled_from(every_request("thr_x", "msg_x")))
    for _ in range(draw(st.integers(1, 2))):
        document = _replaced(document, draw(st.sampled_from(_paths(document))), draw(_json))
    return document


def _is_harmless(answer: Answer) -> bool:
    if answer.status == 200:
        return bool(answer.frames) or isinstance(answer.json(), dict)
    # 501: dictation is not configured here.
    return (400 <= answer.status < 500 or answer.status == 501) and bool(answer.problem)


@given(document=_mutated() | _json)
@settings(
    max_examples=200,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_json_is_answered(
    uvicorn_chat: UvicornChat, system: LocalSystem, document: Any
) -> None:
    body = json.dumps(document).encode()
    user_id = new_id("user")
    async with Client(uvicorn_chat.url, system.token(user_id)) as client:
        answer = await client.post(body)
        assert _is_harmless(answer), answer.body
        plain = await client.post(body, path=f"/api/{user_id}/chat")
        assert plain.status == 200 or _is_harmless(plain), plain.body
