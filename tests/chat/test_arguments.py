"""Arguments as models write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.chat.tools.arguments import Unusable, fitting, read, written

NULL = {"type": "null"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1},
        "notes": {"anyOf": [{"type": "string"}, NULL]},
        "due": {"anyOf": [{"type": "string", "format": "date-time"}, NULL]},
        "done": {"anyOf": [{"type": "boolean"}, NULL]},
        "limit": {"type": "integer"},
        "share": {"type": "number"},
        "priority": {"enum": ["low", "high"]},
        "labels": {"type": "array", "items": {"type": "string"}},
        "place": {"type": ["object", "null"]},
        "anything": {"$ref": "#/$defs/anything"},
    },
    "required": ["title"],
}


def test_what_no_tool_server_would_take_is_refused_before_it_is_sent() -> None:
    assert read(json.dumps({"title": "x" * 60_000}))
    for long in ("x" * 64_000, "ا" * 32_000):
        with pytest.raises(Unusable, match="longer than 64000 bytes"):
            read(json.dumps({"title": long}, ensure_ascii=False))
        assert len(written(json.dumps({"title": long}))) < 8_000


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        (" \n", {}),
        ("null", {}),
        ('""', {}),
        ('{"a": 1}', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": "\\ud83d\\ude42 \\ud83d \\u0000"}', {"a": "\U0001f642 \ufffd \ufffd"}),
        ('{"\\u0000": [{"a": "\\udc00"}]}', {"\ufffd": [{"a": "\ufffd"}]}),
    ],
)
def test_what_is_read(text: str, arguments: dict[str, Any]) -> None:
    assert read(text) == arguments
    assert json.loads(written(text)) == arguments


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        "{oops}",
        "[1]",
        "12",
        '"words"',
        '"\\"{}\\""',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' * 60 + "1" + "}" * 60,
        '{"a": ' * 3000 + "1" + "}" * 3000,
        '{"a": ' * 100_000,
        "[" * 100_000,
        "\ud83d\x00",
        '{"a": 1}' + " " * 2000 + "!",
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_read_stays_refused(text: str) -> None:
    """It can be sent and kept as what it is: a text that is no object."""
    with pytest.raises(Unusable):
        read(text)
    kept = written(text)
    kept.encode()
    assert isinstance(json.loads(kept), str)
    with pytest.raises(Unusable):
        read(kept)


@given(st.text(st.characters(codec=None)) | st.text(alphabet='{}[]":,0aeE.-\\u "'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        arguments = read(text)
    except Unusable:
        arguments = None
    json.loads(written(text))
    if arguments is not None:
        assert read(written(text)) == arguments


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"limit": "10"}, {"limit": 10}),
        ({"limit": " 10 "}, {"limit": 10}),
        ({"limit": 10.0}, {"limit": 10}),
        ({"limit": "10.0"}, {"limit": 10}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"done": "false"}, {"done": False}),
        ({"done": "True"}, {"done": True}),
        ({"done": "null"}, {"done": None}),
        ({"done": None}, {"done": None}),
        ({"done": ""}, {}),
        ({"due": ""}, {}),
        ({"due": "None"}, {"due": None}),
        ({"limit": None}, {}),
        ({"limit": ""}, {}),
        ({"limit": "null"}, {}),
        ({"priority": "HIGH"}, {"priority": "high"}),
        ({"labels": '["a"]'}, {"labels": ["a"]}),
        ({"place": '{"room": 3}'}, {"place": {"room": 3}}),
        ({"title": 7}, {"title": "7"}),
        ({"anything": "7"}, {"anything": "7"}),
        ({"unknown": None}, {}),
        ({"unknown": ""}, {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("reads", [True, False])
def test_what_is_meant(value: dict[str, Any], meant: dict[str, Any], reads: bool) -> None:
    assert fitting(value, SCHEMA, reads=reads) == meant


@pytest.mark.parametrize(
    "value",
    [
        {"title": ""},
        {"title": "null"},
        {"title": None},
        {"title": "10"},
        {"limit": "ten"},
        {"limit": "1.5"},
        {"limit": True},
        {"done": "perhaps"},
        {"done": 1},
        {"priority": "urgent"},
        {"labels": "a"},
        {"unknown": "7"},
    ],
    ids=str,
)
def test_what_is_in_doubt_is_the_tools_to_refuse(value: dict[str, Any]) -> None:
    assert fitting(value, SCHEMA, reads=False) == value


def test_an_empty_text_may_mean_to_empty_something() -> None:
    assert fitting({"notes": ""}, SCHEMA, reads=False) == {"notes": ""}
    assert fitting({"notes": ""}, SCHEMA, reads=True) == {}


def test_a_schema_without_properties_takes_all() -> None:
    assert fitting({"a": "7"}, {"type": "object"}, reads=False) == {"a": "7"}
