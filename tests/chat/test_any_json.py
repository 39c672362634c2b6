"""Any JSON at all, and requests that are nearly good: each is answered, and none by a 500."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.chat.catalogue import every_request
from tests.chat.client import Answer, Client
from tests.chat.conftest import UvicornChat

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
