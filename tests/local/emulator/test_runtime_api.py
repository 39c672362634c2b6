"""The rules of the Runtime API, broken one by one, and the faults a test can ask for."""

import json
import time

import pytest

from tests.local.emulator.support import BUFFERED, STREAMED, Deploy, eventually


async def test_next_carries_the_invocation_headers(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, timeout_s=60.0)
    before_ms = time.time() * 1000
    response = await function.get("/echo", headers={"x-amzn-trace-id": "Root=1-abc-def;Sampled=1"})
    headers = response.json()["headers"]
    assert headers["lambda-runtime-aws-request-id"] == response.headers["x-amzn-requestid"]
    assert headers["lambda-runtime-invocation-id"]
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-abc-def;Parent=")
    assert headers["lambda-runtime-invoked-function-arn"].endswith(":function:buffered")
    remaining_ms = int(headers["lambda-runtime-deadline-ms"]) - before_ms
    assert 59_000 < remaining_ms < 90_000


async def test_error_before_the_response_is_502(deploy: Deploy) -> None:
    for spec in (STREAMED, BUFFERED):
        function = await deploy(spec)
        response = await function.get("/error")
        assert (response.status_code, response.text) == (502, "Internal Server Error")
        record = function.url.invocations[-1]
        assert (record.error_type, record.error_message) == ("Function.Refused", "no")
        assert (await function.get("/lines")).status_code == 200
        assert len(function.url.environments) == 1


async def test_error_after_streaming_began_is_refused(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    text = (await function.get("/error-after-start")).text
    assert text.startswith("started 403 ")
    body = json.loads(text.removeprefix("started 403 "))
    assert body["errorType"] == "InvalidStateTransition"
    assert function.url.invocations[-1].error_type is None


async def test_next_with_an_event_in_hand_is_refused(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    text = (await function.get("/next-while-busy")).text
    assert text.startswith("403 ")
    assert "InvalidStateTransition" in text


async def test_second_response_is_refused(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert (await function.get("/respond-twice")).text == "first"
    assert "403" in await function.line("second:")


async def test_unknown_and_stale_invocations(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert (await function.get("/wrong-id")).text == "400 410"


async def test_unknown_response_mode(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    assert (await function.get("/wrong-mode")).status_code == 502
    assert "400" in await function.line("mode:")
    assert function.url.invocations[-1].error_type == "Runtime.InvalidResponseModeHeader"


async def test_truncated_response_breaks_the_stream(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    with pytest.raises(Exception, match="peer closed connection"):
        await function.get("/truncated")
    assert function.url.invocations[-1].error_type == "Runtime.TruncatedResponse"
    assert (await function.get("/trailers")).content == b"half"


async def test_fault_stale_response_gets_410(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    function.url.faults.stale_responses = 1
    assert (await function.get("/sleep", params={"seconds": "0"})).status_code == 502
    assert await function.line("slept:") == "slept: 410"
    assert (await function.get("/echo")).status_code == 200
    assert [record.cold for record in function.url.invocations] == [True, False]


async def test_fault_refused_next_ends_the_runtime(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, warm=1)
    first = function.url.environments[0].pid
    function.url.faults.refused_next = 1
    assert (await function.get("/echo")).status_code == 200
    assert (await function.line("next:")).startswith("next: 403")
    await eventually(lambda: not function.url.environments)
    response = await function.get("/echo")
    assert (response.status_code, response.json()["pid"] == first) == (200, False)


async def test_fault_cut_response_reaches_runtime_and_client(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    function.url.faults.cut_response_after_bytes = 200_000
    with pytest.raises(Exception, match="peer closed connection"):
        await function.get("/flood", params={"pieces": "1000"})
    reason = (await function.line("interrupted:")).removeprefix("interrupted: ")
    assert reason in ("ECONNRESET", "EPIPE", "EPROTOTYPE")  # the last as macOS may put it
    assert (await function.get("/trailers")).content == b"half"
    assert len({record.environment_pid for record in function.url.invocations}) == 1
