"""Events: what a function is told of an HTTP request."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.local.emulator.support import BUFFERED, Deploy, Deployed


async def _event(function: Deployed, method: str, path: str, **options: Any) -> dict[str, Any]:
    response = await function.client.request(method, path, **options)
    event: dict[str, Any] = response.json()["event"]
    return event


async def test_function_url_event(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    event = await _event(
        function,
        "POST",
        "/echo?b=2&a=1&b=3&empty=&urdu=%DA%A9%D8%A7%D9%85",
        headers=[
            ("X-Many", "1"),
            ("x-many", "2"),
            ("Cookie", "a=1; b=2"),
            ("User-Agent", "test/1"),
            ("X-Forwarded-For", "10.0.0.1"),
        ],
        json={"title": "دودھ"},
    )
    context = event["requestContext"]
    host = function.url.url.removeprefix("http://")
    assert event["version"] == "2.0"
    assert event["routeKey"] == context["routeKey"] == context["stage"] == "$default"
    assert event["rawPath"] == "/echo"
    assert event["rawQueryString"] == "b=2&a=1&b=3&empty=&urdu=%DA%A9%D8%A7%D9%85"
    assert event["queryStringParameters"] == {"b": "2,3", "a": "1", "empty": "", "urdu": "کام"}
    assert event["cookies"] == ["a=1", "b=2"]
    headers = event["headers"]
    assert headers["x-many"] == "1,2"
    assert headers["x-forwarded-for"] == "10.0.0.1, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert headers["host"] == context["domainName"] == host
    assert not {"cookie", "connection"} & set(headers)
    assert all(name == name.lower() for name in headers)
    assert context["http"] == {
        "method": "POST",
        "path": "/echo",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/1",
    }
    assert context["requestId"] == function.url.invocations[-1].request_id
    assert context["timeEpoch"] > 1_700_000_000_000
    assert context["time"].endswith(" +0000")
    assert (event["isBase64Encoded"], json.loads(event["body"])) == (False, {"title": "دودھ"})


async def test_request_without_body_query_and_cookies(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    event = await _event(function, "GET", "/")
    assert not {"body", "cookies", "queryStringParameters"} & set(event)
    assert (event["isBase64Encoded"], event["rawQueryString"], event["rawPath"]) == (False, "", "/")


@pytest.mark.parametrize(
    ("headers", "body", "is_base64"),
    [
        ({"content-type": "application/json; charset=utf-8"}, b"{}", False),
        ({"content-type": "text/plain"}, b"plain", False),
        ({"content-type": "application/xml"}, b"<a/>", False),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", True),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", True),
        ({"content-type": "application/octet-stream"}, b"\x00\xff", True),
        ({"content-type": "application/json"}, b"\xff\xfe", True),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"{}", True),
        ({}, b"untyped", True),
    ],
)
async def test_only_text_stays_text(
    deploy: Deploy, headers: dict[str, str], body: bytes, is_base64: bool
) -> None:
    function = await deploy(BUFFERED)
    event = await _event(function, "POST", "/echo", content=body, headers=headers)
    assert event["isBase64Encoded"] is is_base64
    expected = base64.b64encode(body).decode() if is_base64 else body.decode()
    assert event["body"] == expected


async def test_path_is_told_as_sent_and_decoded(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, payload_version="2.0")
    response = await function.post("/reply?echo=%2F", b"{}")
    assert response.status_code == 200
    event = await _event(function, "GET", "/%65cho")
    assert event["rawPath"] == "/%65cho"
    assert event["requestContext"]["http"]["path"] == "/echo"


async def test_chunked_request_body(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            yield piece

    event = await _event(
        function, "POST", "/echo", content=pieces(), headers={"content-type": "text/plain"}
    )
    assert event["body"] == "one two three"
    assert "transfer-encoding" not in event["headers"]


async def test_rest_proxy_event(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, payload_version="1.0")
    event = await _event(
        function,
        "PUT",
        "/%65cho?a=1&a=2",
        headers=[("X-Many", "1"), ("X-Many", "2"), ("Cookie", "a=1")],
        content=b"\xff",
    )
    assert event["resource"] == "/{proxy+}"
    assert (event["path"], event["httpMethod"]) == ("/%65cho", "PUT")  # as sent, as AWS does
    assert event["pathParameters"] == {"proxy": "echo"}
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-Many"] == "2"
    assert event["multiValueHeaders"]["X-Many"] == ["1", "2"]
    assert event["headers"]["Cookie"] == "a=1"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["requestId"] == function.url.invocations[-1].request_id
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
    assert "version" not in event


async def test_rest_proxy_event_without_query_and_body(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, payload_version="1.0")
    event = await _event(function, "GET", "/echo")
    names = ("queryStringParameters", "multiValueQueryStringParameters", "body", "stageVariables")
    assert [event[name] for name in names] == [None] * 4
