"""The prelude's JSON, its limits, and what it leaves out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.streaming.errors import InvalidResponseError
from sidestream.streaming.prelude import DELIMITER, MAX_PRELUDE_BYTES, Prelude

type Pairs = list[tuple[bytes, bytes]]


def prelude(*headers: tuple[bytes, bytes], status: int = 200, **options: Any) -> Prelude:
    return Prelude({"status": status, "headers": headers}, "GET", **options)


def fields(encoded: bytes) -> dict[str, Any]:
    document, delimiter, rest = encoded.partition(DELIMITER)
    assert (delimiter, rest) == (DELIMITER, b"")
    decoded: dict[str, Any] = json.loads(document)
    return decoded


def test_shape() -> None:
    encoded = prelude((b"x-a", b"1"), (b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2")).encoded
    assert fields(encoded) == {
        "statusCode": 200,
        "headers": {"x-a": "1", "content-type": "application/octet-stream"},
        "cookies": ["a=1", "b=2"],
    }


def test_duplicates_are_joined() -> None:
    assert prelude((b"vary", b"accept"), (b"Vary", b"origin")).headers["vary"] == "accept, origin"


@pytest.mark.parametrize(
    "name", [b"content-length", b"transfer-encoding", b"Connection", b"keep-alive"]
)
def test_framing_is_left_out(name: bytes) -> None:
    assert name.decode().lower() not in prelude((name, b"1")).headers


def test_cors_is_left_out_on_demand() -> None:
    header = (b"access-control-allow-origin", b"*")
    assert "access-control-allow-origin" in prelude(header).headers
    assert "access-control-allow-origin" not in prelude(header, strip_cors_headers=True).headers


@pytest.mark.parametrize("bad", [b"a\0b", b"a\rb", b"a\nb"])
def test_control_characters_are_refused(bad: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        prelude((b"x-a", bad))
    with pytest.raises(InvalidResponseError):
        prelude((bad, b"x"))
    with pytest.raises(InvalidResponseError):
        prelude((b"set-cookie", bad))


def test_sixteen_kilobytes_and_no_more() -> None:
    spare = MAX_PRELUDE_BYTES - len(prelude((b"x-a", b"")).encoded)
    assert len(prelude((b"x-a", b"x" * spare)).encoded) == MAX_PRELUDE_BYTES
    with pytest.raises(InvalidResponseError):
        prelude((b"x-a", b"x" * (spare + 1)))


@pytest.mark.parametrize("status", [0, 101, 199, 600, "200", None])
def test_impossible_statuses(status: object) -> None:
    with pytest.raises(InvalidResponseError):
        Prelude({"status": status}, "GET")


@pytest.mark.parametrize(
    ("status", "method", "allows_body", "empty_body"),
    [
        (200, "GET", True, b"\n"),
        (307, "GET", True, b"\n"),
        (200, "HEAD", False, b"\n"),
        (204, "GET", False, b""),
        (304, "GET", False, b""),
    ],
)
def test_bodies(status: int, method: str, allows_body: bool, empty_body: bytes) -> None:
    made = Prelude({"status": status}, method)
    assert (made.allows_body, made.empty_body) == (allows_body, empty_body)


def test_the_preamble_is_a_comment_of_that_size() -> None:
    events = prelude((b"content-type", b"text/event-stream; charset=utf-8"))
    preamble = events.preamble(100)
    assert len(preamble) == 100
    assert preamble.startswith(b":")
    assert preamble.endswith(b"\n\n")
    assert preamble.count(b"\n") == 2
    assert events.preamble(0) == b""
    assert prelude((b"content-type", b"text/html")).preamble(100) == b""


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=20))
def test_no_header_breaks_the_document(headers: Pairs) -> None:
    try:
        encoded = prelude(*headers).encoded
    except InvalidResponseError:
        return
    assert len(encoded) <= MAX_PRELUDE_BYTES
    assert set(fields(encoded)) == {"statusCode", "headers", "cookies"}
