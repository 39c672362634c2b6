"""AWS's own runtime client runs on the emulator as it does on Lambda."""

import json
import sys

import pytest

from tests.local.emulator.support import BUFFERED, Deploy

RIC = (sys.executable, "-m", "awslambdaric")


@pytest.mark.parametrize("freeze", [False, True])
async def test_handler(deploy: Deploy, freeze: bool) -> None:
    function = await deploy(BUFFERED, command=(*RIC, "handlers.echo"), freeze=freeze)
    for _ in range(3):
        response = await function.get("/path", params={"a": "1"})
        assert response.status_code == 201
        assert response.headers["x-answer"] == "42"
        assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
        seen = response.json()
        assert seen["event"]["queryStringParameters"] == {"a": "1"}
        assert seen["request_id"] == response.headers["x-amzn-requestid"]
        assert 290_000 < seen["remaining_ms"] <= 300_000
    assert len({record.environment_pid for record in function.url.invocations}) == 1
    metric = json.loads(await function.line('{"_aws"'))
    assert metric["request_id"] == function.url.invocations[0].request_id


async def test_handler_that_raises(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, command=(*RIC, "handlers.fail"))
    response = await function.get("/")
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    record = function.url.invocations[-1]
    assert record.error_message == "not today"
    assert await function.line("[ERROR] ValueError: not today")


async def test_handler_that_does_not_exist(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, command=(*RIC, "handlers.absent"))
    assert (await function.get("/")).status_code == 502
    assert function.url.invocations[-1].error_type == "Runtime.HandlerNotFound"


async def test_snap_start(deploy: Deploy) -> None:
    function = await deploy(
        BUFFERED, command=(*RIC, "handlers.echo"), initialization_type="snap-start"
    )
    assert [(await function.get("/")).status_code for _ in range(2)] == [201, 201]
    assert function.url.invocations[0].restore_duration_ms is not None


async def test_multi_concurrency_forks(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, command=(*RIC, "handlers.echo"), max_concurrency=2)
    assert [(await function.get("/")).status_code for _ in range(4)] == [201] * 4
    assert len(function.url.environments) == 1
