"""Events of every shape as ASGI scopes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.streaming.errors import MalformedEventError
from sidestream.streaming.events import HttpRequest, http_request

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_FIELDS = [
    "version",
    "rawPath",
    "rawQueryString",
    "cookies",
    "headers",
    "requestContext",
    "body",
    "isBase64Encoded",
    "httpMethod",
    "path",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
]


def read(**event: object) -> HttpRequest:
    request = http_request(event)
    assert request is not None
    return request


class TestPayload2:
    def test_short(self) -> None:
        scope = read(rawPath="/healthz").scope
        assert scope["method"] == "GET"
        assert scope["path"] == "/healthz"
        assert scope["scheme"] == "https"
        assert scope["client"] is None

    def test_path_and_query(self) -> None:
        scope = read(rawPath="/a%20b/%D8%A7", rawQueryString="q=%20&r").scope
        assert scope["path"] == "/a b/\u0627"
        assert scope["raw_path"] == b"/a%20b/%D8%A7"
        assert scope["query_string"] == b"q=%20&r"

    @pytest.mark.parametrize(
        ("stage", "path", "meant"),
        [
            ("prod", "/prod/a%2Fb/c", "/a%2Fb/c"),
            ("prod", "/prod/", "/"),
            ("prod", "/prod", "/"),
            ("prod", "/prod/prod/a", "/prod/a"),
            ("prod", "/production/a", "/production/a"),
            ("prod", "/a/prod", "/a/prod"),
            ("$default", "/prod/a", "/prod/a"),
            ("$default", "/$default/a", "/$default/a"),
            (None, "/prod/a", "/prod/a"),
        ],
    )
    def test_the_stage_of_an_http_api_is_no_part_of_the_path(
        self, stage: str | None, path: str, meant: str
    ) -> None:
        context = {"http": {"method": "GET", "path": path}, "stage": stage}
        assert read(rawPath=path, requestContext=context).scope["raw_path"] == meant.encode()
        assert read(requestContext=context).scope["raw_path"] == meant.encode()

    def test_cookies_replace_the_cookie_header(self) -> None:
        scope = read(rawPath="/", headers={"Cookie": "a=1"}, cookies=["a=1", "b=2"]).scope
        assert scope["headers"] == [(b"cookie", b"a=1; b=2")]

    def test_server_and_scheme(self) -> None:
        headers = {"Host": "abc.example:8443", "X-Forwarded-Proto": "http"}
        scope = read(rawPath="/", headers=headers).scope
        assert scope["server"] == ("abc.example", 8443)
        assert scope["scheme"] == "http"

    def test_header_values_outside_latin_1(self) -> None:
        scope = read(rawPath="/", headers={"x-a": "caf\u00e9", "x-b": "\u0627"}).scope
        assert scope["headers"] == [(b"x-a", b"caf\xe9"), (b"x-b", "\u0627".encode())]

    def test_binary_body(self) -> None:
        encoded = base64.b64encode(b"\x00\xff").decode()
        assert read(rawPath="/", body=encoded, isBase64Encoded=True).body == b"\x00\xff"

    def test_a_lone_surrogate_reaches_the_app_as_invalid_utf_8(self) -> None:
        with pytest.raises(UnicodeDecodeError):
            read(rawPath="/", body="\ud800").body.decode()


class TestPayload1:
    def test_repeated_headers_stay_apart(self) -> None:
        request = read(httpMethod="post", path="/a", multiValueHeaders={"X-A": ["1", "2"]})
        assert request.method == "POST"
        assert request.scope["headers"] == [(b"x-a", b"1"), (b"x-a", b"2")]

    def test_query(self) -> None:
        query = {"a": ["1", "2"], "b c": ["\u00e9"]}
        scope = read(httpMethod="GET", path="/", multiValueQueryStringParameters=query).scope
        assert scope["query_string"] == b"a=1&a=2&b+c=%C3%A9"

    def test_client(self) -> None:
        context = {"identity": {"sourceIp": "192.0.2.1"}}
        scope = read(httpMethod="GET", path="/", requestContext=context).scope
        assert scope["client"] == ("192.0.2.1", 0)


@pytest.mark.parametrize(
    "event",
    [None, 1, "GET /", [], {}, {"source": "aws.events"}, {"rawPath": 5}, {"httpMethod": "GET"}],
)
def test_anything_else_is_not_http(event: object) -> None:
    assert http_request(event) is None


@pytest.mark.parametrize(
    "event",
    [
        {"rawPath": "/", "headers": ["a"]},
        {"rawPath": "/", "headers": {"a": 1}},
        {"rawPath": "/", "body": "*", "isBase64Encoded": True},
        {"rawPath": "/", "body": "\u00e9", "isBase64Encoded": True},
        {"rawPath": "/", "cookies": [1]},
    ],
)
def test_wrong_fields(event: object) -> None:
    with pytest.raises(MalformedEventError):
        http_request(event)


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_no_event_crashes_the_reader(event: dict[str, object]) -> None:
    try:
        request = http_request(event)
    except MalformedEventError:
        return
    if request is not None:
        assert isinstance(request.body, bytes)
        assert isinstance(request.scope["path"], str)
        assert isinstance(request.scope["query_string"], bytes)
        assert all(isinstance(part, bytes) for pair in request.scope["headers"] for part in pair)
