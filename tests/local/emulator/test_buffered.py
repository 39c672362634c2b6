"""BUFFERED URLs: the payload 2.0 response format, and the size limits."""

import base64
import json

import httpx2
import pytest

from tests.local.emulator.support import BUFFERED, Deploy, Deployed

LIMIT = 6 * 1024 * 1024


async def _reply(function: Deployed, value: object) -> httpx2.Response:
    return await function.post("/reply", json.dumps(value).encode())


async def test_structured_response(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    value = {
        "statusCode": 401,
        "headers": {"WWW-Authenticate": "Bearer", "X-A": "1", "Content-Length": "99"},
        "cookies": ["a=1", "b=2"],
        "body": "né",
    }
    response = await _reply(function, value)
    assert (response.status_code, response.text) == (401, "né")
    assert response.headers["x-a"] == "1"
    assert response.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert response.headers["content-length"] == "3"
    assert response.headers["content-type"] == "application/json"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_binary_body(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    body = bytes(range(256))
    value = {"statusCode": 200, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert (await _reply(function, value)).content == body


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": 1}, '{"a": 1}'), ([1], "[1]"), ("plain", "plain"), (None, "null"), (7, "7")],
    ids=["object", "list", "string", "null", "number"],
)
async def test_anything_else_is_the_body(deploy: Deploy, value: object, text: str) -> None:
    function = await deploy(BUFFERED)
    response = await _reply(function, value)
    assert (response.status_code, response.text) == (200, text)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "teapot"},
        {"statusCode": 1000},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "cookies": "a=1"},
    ],
    ids=["status-text", "status-1000", "body", "base64", "headers", "header-name", "cookies"],
)
async def test_malformed_response_is_502(deploy: Deploy, value: object) -> None:
    function = await deploy(BUFFERED)
    response = await _reply(function, value)
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    (record,) = function.url.invocations
    assert (record.status, record.error_type) == (502, "Runtime.MalformedResponse")


async def test_request_over_the_limit_never_reaches_the_function(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    for body in (b"x" * (LIMIT + 1), b"\xff" * (LIMIT - 1)):
        response = await function.post("/reply", body, headers={"content-type": "text/plain"})
        assert response.status_code == 413
        assert response.headers["x-amzn-errortype"] == "RequestTooLargeException"
        assert "6291456 bytes" in response.json()["Message"]
    assert not function.url.environments
    # The connection is still in step.
    assert (await _reply(function, "well")).text == "well"


async def test_response_over_the_limit_is_502(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert (await function.get("/flood", params={"pieces": "97"})).status_code == 502
    assert function.url.invocations[-1].error_type == "Function.ResponseSizeTooLarge"
    assert await function.line("ended:") == "ended: 413"
    assert (await function.get("/echo")).status_code == 200


async def test_streamed_response_is_collected(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    body = b'{"statusCode": 202}' + b"\0" * 8 + b"body"
    response = await function.post("/raw-stream", body, params={"type": "any/thing", "size": "5"})
    assert (response.status_code, response.content) == (200, body)


async def test_streamed_response_that_ends_in_an_error_is_502(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert (await function.get("/trailers")).status_code == 502
    assert function.url.invocations[-1].error_type == "Function.Broken"


async def test_head_request_has_no_body(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    response = await function.client.request("HEAD", "/reply", content=b'"four"')
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "4"
