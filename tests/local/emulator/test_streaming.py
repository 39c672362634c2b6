"""What a client of a RESPONSE_STREAM URL sees of a streamed response."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from tests.local.emulator.support import STREAMED, Deploy, eventually

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"


async def test_each_chunk_arrives_before_the_next_is_written(
    deploy: Deploy, tmp_path: Path
) -> None:
    function = await deploy(STREAMED)
    query = {"chunks": "3", "gate": str(tmp_path / "gate")}
    async with function.client.stream("GET", "/gated", params=query) as response:
        chunks = response.aiter_raw()
        for number in range(3):
            assert await anext(chunks) == f"chunk {number}\n".encode()
            (tmp_path / f"gate.{number}").touch()
        assert [chunk async for chunk in chunks] == []
    assert response.headers["content-type"] == "text/plain"
    assert "content-length" not in response.headers
    assert function.url.invocations[-1].status == 200


async def test_prelude_sets_status_headers_and_cookies(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    prelude = {
        "statusCode": 418,
        "headers": {"X-One": "1", "Content-Length": "7", "X-Latin": "é", "X-Number": 5},
        "multiValueHeaders": {"X-Many": ["a", "b"]},
        "cookies": ["a=1; Path=/", "b=2"],
    }
    body = json.dumps(prelude).encode() + b"\0" * 8 + b"tea\0pot"
    response = await function.post("/raw-stream", body, params={"type": PRELUDE_TYPE})
    assert response.status_code == 418
    assert response.content == b"tea\0pot"
    assert response.headers["x-one"] == "1"
    assert response.headers["x-latin"] == "é"
    assert response.headers["x-number"] == "5"
    assert response.headers.get_list("x-many") == ["a", "b"]
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert response.headers["x-amzn-remapped-content-length"] == "7"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-amzn-requestid"] == function.url.invocations[-1].request_id
    assert response.headers["x-amzn-trace-id"].startswith("Root=1-")


@pytest.mark.parametrize("size", ["1", "7"])
async def test_prelude_may_come_in_pieces(deploy: Deploy, size: str) -> None:
    function = await deploy(STREAMED)
    body = b'{"statusCode":202}' + b"\0" * 8 + b"body"
    response = await function.post("/raw-stream", body, params={"type": PRELUDE_TYPE, "size": size})
    assert (response.status_code, response.content) == (202, b"body")


async def test_without_the_integration_type_the_stream_is_the_body(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    body = b'{"statusCode":202}' + b"\0" * 8 + b"body"
    response = await function.post("/raw-stream", body, params={"type": "text/plain"})
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "body",
    [
        b"no json" + b"\0" * 8,
        b"[]" + b"\0" * 8,
        b'{"statusCode":200}',
        b'{"statusCode":"teapot"}' + b"\0" * 8,
        b'{"statusCode":99}' + b"\0" * 8,
        b'{"headers":{"x":"a\\nb"}}' + b"\0" * 8,
        b'{"headers":{"x":null}}' + b"\0" * 8,
        b'{"headers":{"x":"%b"}}' % (b"y" * 16_384) + b"\0" * 8,
    ],
    ids=["text", "list", "no-end", "status-text", "status-99", "newline", "null", "over-16-KB"],
)
async def test_unusable_prelude_is_502(deploy: Deploy, body: bytes) -> None:
    function = await deploy(STREAMED)
    response = await function.post("/raw-stream", body, params={"type": PRELUDE_TYPE})
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    assert function.url.invocations[-1].error_type == "Runtime.MalformedResponse"
    # The environment itself is well, as on Lambda.
    assert (await function.get("/trailers")).status_code == 200
    assert len(function.url.environments) == 1


async def test_response_posted_whole_is_not_parsed(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    response = await function.post("/reply", b'{"statusCode": 404}')
    assert (response.status_code, response.content) == (200, b'{"statusCode": 404}')


async def test_trailers_are_recorded_and_logged(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    response = await function.get("/trailers")
    assert (response.status_code, response.content) == (200, b"half")
    record = function.url.invocations[-1]
    assert (record.error_type, record.error_message) == ("Function.Broken", "half way")
    assert record.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert any("half way" in line and "Function.Broken" in line for line in function.lines)


async def test_trailers_before_anything_was_sent_are_502(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    response = await function.get("/trailers", params={"only": "1"})
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    assert function.url.invocations[-1].error_type == "Function.Broken"


async def test_error_type_outside_the_pattern_is_unknown(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    await function.get("/trailers", params={"type": "RuntimeError"})
    assert function.url.invocations[-1].error_type == "Runtime.Unknown"


async def test_stream_that_ended_in_an_error_closes_the_connection(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    port = int(function.url.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /trailers HTTP/1.1\r\nHost: x\r\n\r\n")
    received = await reader.read()
    assert received.endswith(b"0\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)], ids=["HEAD", "204", "304"]
)
async def test_responses_without_a_body_end(deploy: Deploy, method: str, status: int) -> None:
    function = await deploy(STREAMED)
    body = json.dumps({"statusCode": status}).encode() + b"\0" * 8 + b"dropped"
    response = await function.client.request(
        method, "/raw-stream", params={"type": PRELUDE_TYPE}, content=body
    )
    assert (response.status_code, response.content) == (status, b"")
    assert (await function.get("/trailers")).content == b"half"


async def test_a_client_that_leaves_is_not_noticed(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(STREAMED)
    query = {"chunks": "3", "gate": str(tmp_path / "gate")}
    async with function.client.stream("GET", "/gated", params=query) as response:
        await anext(response.aiter_raw())
    for number in range(3):
        (tmp_path / f"gate.{number}").touch()
    await function.line("gated stream ended")
    (record,) = await eventually(lambda: list(function.url.invocations))
    assert record.error_type is None


async def test_a_slow_client_slows_the_function_down(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    port = int(function.url.url.rpartition(":")[2])
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET /flood?pieces=1600 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await function.line("written 16")
    # 100 MiB fit into no buffer on the way; a function that could write them all would say so.
    await asyncio.sleep(0.5)
    assert not any(line.startswith("ended") for line in function.lines)
    client.setblocking(False)
    size_bytes = 0
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(client, 1 << 20):
        size_bytes += len(data)
    client.close()
    assert size_bytes > 1600 * 65536
    assert (await function.line("ended")) == "ended: 202"


async def test_empty_body_ends_at_once_or_hangs_on_request(deploy: Deploy) -> None:
    function = await deploy(STREAMED, timeout_s=1.0)
    body = b'{"statusCode":200}' + b"\0" * 8
    response = await function.post("/raw-stream", body, params={"type": PRELUDE_TYPE})
    assert response.content == b""
    function.url.faults.hang_on_empty_body = True
    response = await function.post("/raw-stream", body, params={"type": PRELUDE_TYPE})
    assert response.content == b""
    assert function.url.invocations[-1].duration_ms > 990
