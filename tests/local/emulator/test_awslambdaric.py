"""AWS's own runtime client runs on the emulator as on Lambda, with its native part or ours."""

import json
import sys

import pytest

from sidestream.local import runtime_client
from tests.local.emulator.support import BUFFERED, Deploy, eventually


@pytest.fixture(params=["the interpreter's client", "no native client"])
def ric(request: pytest.FixtureRequest) -> tuple[str, ...]:
    python = sys.executable
    if request.param == "no native client":
        python = request.getfixturevalue("python_without_native_client")
    return (python, "-m", "sidestream.local.managed_runtime")


@pytest.mark.parametrize("freeze", [False, True])
async def test_handler(deploy: Deploy, ric: tuple[str, ...], freeze: bool) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.echo"), freeze=freeze)
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


async def test_handler_that_raises(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.fail"))
    response = await function.get("/")
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    record = function.url.invocations[-1]
    assert record.error_message == "not today: آج نہیں"
    assert await function.line("[ERROR] ValueError: not today: آج نہیں")


async def test_handler_that_does_not_exist(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.absent"))
    assert (await function.get("/")).status_code == 502
    assert function.url.invocations[-1].error_type == "Runtime.HandlerNotFound"


async def test_snap_start(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(
        BUFFERED, command=(*ric, "handlers.echo"), initialization_type="snap-start"
    )
    assert [(await function.get("/")).status_code for _ in range(2)] == [201, 201]
    assert function.url.invocations[0].restore_duration_ms is not None


async def test_multi_concurrency_forks(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.echo"), max_concurrency=2)
    assert [(await function.get("/")).status_code for _ in range(4)] == [201] * 4
    assert len(function.url.environments) == 1


async def test_native_client_is_preferred_on_linux(
    deploy: Deploy, python_without_native_client: str
) -> None:
    """Each interpreter loads what the other tests suppose."""
    run = ("-m", "sidestream.local.managed_runtime", "handlers.echo")
    loaded = []
    for python in (sys.executable, python_without_native_client):
        function = await deploy(BUFFERED, command=(python, *run))
        loaded.append((await function.get("/")).json()["client"])
    assert loaded[0].endswith(".so") is sys.platform.startswith("linux")
    assert loaded[1] == runtime_client.__file__


async def test_stale_answer_ends_the_runtime(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.echo"))
    function.url.faults.stale_responses = 1
    assert (await function.get("/")).status_code == 502
    assert await function.line("Traceback")
    await eventually(lambda: not function.url.environments)
    assert (await function.get("/")).status_code == 201


async def test_refused_next_ends_the_runtime(deploy: Deploy, ric: tuple[str, ...]) -> None:
    function = await deploy(BUFFERED, command=(*ric, "handlers.echo"), warm=1)
    function.url.faults.refused_next = 1
    assert (await function.get("/")).status_code == 201
    await eventually(lambda: not function.url.environments)
    assert (await function.get("/")).status_code == 201
