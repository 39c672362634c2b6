"""How requests spread over environments, and what happens when there is no room."""

import asyncio
import os
from pathlib import Path

import httpx2

from tests.local.emulator.support import BUFFERED, STREAMED, Deploy, Deployed, eventually


async def test_requests_one_after_another_share_an_environment(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    for _ in range(30):
        assert (await function.get("/echo")).status_code == 200
    assert len({record.environment_pid for record in function.url.invocations}) == 1


async def test_requests_at_once_start_environments(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(STREAMED)
    requests = _start_gated(function, tmp_path, 4)
    await eventually(lambda: len(function.url.environments) == 4)
    (tmp_path / "gate.0").touch()
    responses = await asyncio.gather(*requests)
    assert [response.text for response in responses] == ["chunk 0\n"] * 4
    assert len({record.environment_pid for record in function.url.invocations}) == 4


async def test_past_the_limit_is_429(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(STREAMED, max_environments=2)
    requests = _start_gated(function, tmp_path, 2)
    await eventually(lambda: len([e for e in function.url.environments if e.reserved]) == 2)
    refused = await function.get("/echo")
    assert refused.status_code == 429
    assert refused.json() == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "message": "Rate Exceeded.",
    }
    assert refused.headers["x-amzn-errortype"] == "TooManyRequestsException"
    assert function.url.invocations[-1].environment_pid is None
    (tmp_path / "gate.0").touch()
    assert [r.status_code for r in await asyncio.gather(*requests)] == [200, 200]
    assert (await function.get("/trailers")).status_code == 200


async def test_background_work_keeps_the_environment_busy(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(BUFFERED)
    first = await function.get("/background", params={"gate": str(tmp_path / "gate")})
    assert (await function.get("/echo")).json()["pid"] != int(first.text)
    (tmp_path / "gate").touch()
    await eventually(lambda: not any(e.reserved for e in function.url.environments))
    assert len(function.url.environments) == 2


async def test_many_at_once_in_one_environment(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(STREAMED, max_concurrency=8, max_environments=1)
    requests = _start_gated(function, tmp_path, 8)
    (environment,) = await eventually(lambda: function.url.environments)
    await eventually(lambda: environment.reserved == 8)
    assert (await function.get("/echo")).status_code == 429
    (tmp_path / "gate.0").touch()
    assert [r.text for r in await asyncio.gather(*requests)] == ["chunk 0\n"] * 8
    served = [r for r in function.url.invocations if r.status == 200]
    assert len({r.environment_pid for r in served}) == 1
    assert len({r.request_id for r in served}) == 8


async def test_time_out_of_one_among_many_spares_the_environment(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, max_concurrency=2, timeout_s=1.0)
    response = await function.get("/sleep", params={"seconds": "1.5"})
    assert response.status_code == 502
    assert await function.line("slept:") == "slept: 410"
    assert (await function.get("/echo")).json()["env"]["AWS_LAMBDA_MAX_CONCURRENCY"] == "2"
    assert len({r.environment_pid for r in function.url.invocations}) == 1


def _start_gated(
    function: Deployed, folder: Path, count: int
) -> list[asyncio.Task[httpx2.Response]]:
    query = {"chunks": "1", "gate": os.fspath(folder / "gate")}
    return [asyncio.create_task(function.get("/gated", params=query)) for _ in range(count)]
