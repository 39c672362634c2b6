"""Environments from their first breath to their last: init, time-out, crash, freeze, SnapStart."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from sidestream.local.emulator import FunctionUrl
from sidestream.local.emulator.environment import InitError, State
from tests.local.emulator.support import (
    BUFFERED,
    STREAMED,
    Deploy,
    Deployed,
    eventually,
    process_state,
)


async def test_first_request_is_cold_and_the_next_is_not(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert not function.url.environments
    for _ in range(3):
        assert (await function.get("/echo")).status_code == 200
    cold, *warm = function.url.invocations
    assert cold.cold
    assert cold.init_duration_ms is not None
    assert [(record.cold, record.init_duration_ms) for record in warm] == [(False, None)] * 2
    assert len({record.environment_pid for record in function.url.invocations}) == 1
    assert any("Init Duration" in line for line in function.lines if line.startswith("REPORT"))


async def test_warmed_environment_serves_the_first_request(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, warm=2)
    assert [e.state for e in function.url.environments] == [State.READY] * 2
    await function.get("/echo")
    assert not function.url.invocations[-1].cold


async def test_init_error_is_502_with_its_reason_recorded(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, env={"INIT_FAILURE": "report"})
    response = await function.get("/echo")
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    record = function.url.invocations[-1]
    assert (record.error_type, record.error_message) == ("Function.NoDatabase", "no database")
    assert await function.line("202") == "202"


async def test_exit_during_init_is_502(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, env={"INIT_FAILURE": "exit"})
    assert (await function.get("/echo")).status_code == 502
    record = function.url.invocations[-1]
    assert (record.error_type, record.error_message) == (
        "Runtime.ExitError",
        "Runtime exited with error: exit status 3",
    )


async def test_init_that_takes_too_long_is_502(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, env={"INIT_FAILURE": "hang"}, init_timeout_s=0.3)
    assert (await function.get("/echo")).status_code == 502
    assert function.url.invocations[-1].error_type == "Sandbox.Timedout"


async def test_command_that_does_not_exist_is_502(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, command=("/nonexistent/runtime",))
    assert (await function.get("/echo")).status_code == 502
    assert function.url.invocations[-1].error_type == "Runtime.InvalidEntrypoint"


async def test_warming_a_broken_function_says_why() -> None:
    url = FunctionUrl(
        dataclasses.replace(BUFFERED, env={"INIT_FAILURE": "report"}), min_environments=1
    )
    with pytest.raises(InitError, match=r"Function\.NoDatabase: no database"):
        await url.start()


async def test_time_out_kills_the_environment(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, timeout_s=1.0)
    response = await function.get("/sleep", params={"seconds": "600"})
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    record = function.url.invocations[-1]
    assert record.error_type == "Sandbox.Timedout"
    assert any("Task timed out after 1.00 seconds" in line for line in function.lines)
    await _gone(record.environment_pid)
    assert (await function.get("/echo")).status_code == 200
    assert function.url.invocations[-1].cold


async def test_time_out_cuts_a_stream(deploy: Deploy) -> None:
    function = await deploy(STREAMED, timeout_s=1.0)
    received = b""
    with pytest.raises(Exception, match="peer closed connection"):  # noqa: PT012
        async with function.client.stream(
            "GET", "/sleep", params={"seconds": "600", "streaming": "1"}
        ) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_raw():
                received += chunk
    assert received == b"half"
    await _gone(function.url.invocations[-1].environment_pid)


async def test_time_out_also_ends_background_work(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(BUFFERED, timeout_s=1.0)
    response = await function.get("/background", params={"gate": str(tmp_path / "never")})
    assert response.status_code == 200
    await _gone(int(response.text))


async def test_crash_is_502_and_the_next_request_starts_anew(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    assert (await function.get("/crash", params={"code": "7"})).status_code == 502
    record = function.url.invocations[-1]
    assert record.error_type == "Runtime.ExitError"
    assert record.error_message == "Runtime exited with error: exit status 7"
    assert (await function.get("/echo")).status_code == 200
    assert function.url.invocations[-1].environment_pid != record.environment_pid


async def test_crash_in_the_middle_breaks_the_stream(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    with pytest.raises(Exception, match="peer closed connection"):
        await function.get("/crash", params={"streaming": "1"})
    assert function.url.invocations[-1].status == 200
    assert function.url.invocations[-1].error_type in (
        "Runtime.ExitError",
        "Runtime.TruncatedResponse",
    )


async def test_response_of_a_runtime_that_exits_is_kept(deploy: Deploy) -> None:
    function = await deploy(STREAMED)
    for _ in range(5):
        assert (await function.get("/respond-and-exit")).text == "whole"
        assert function.url.invocations[-1].error_type is None
        await eventually(lambda: not function.url.environments)


async def test_crash_is_seen_although_a_child_lives(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    parent, child = (await function.get("/spawn")).json()
    assert (await function.get("/crash")).status_code == 502
    assert function.url.invocations[-1].environment_pid == parent
    await _gone(child)


async def test_killed_environment_fails_its_request(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, warm=1)
    request = asyncio.create_task(function.get("/sleep", params={"seconds": "600"}))
    (environment,) = function.url.environments
    await eventually(lambda: environment.reserved)
    environment.kill()
    assert (await request).status_code == 502
    assert function.url.invocations[-1].error_message == "Runtime exited with error: signal 9"


async def test_killed_idle_environment_is_replaced(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, warm=1)
    (environment,) = function.url.environments
    environment.kill()
    assert (await function.get("/echo")).json()["pid"] != environment.pid


async def test_killed_while_it_starts(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, env={"INIT_FAILURE": "hang"})
    request = asyncio.create_task(function.get("/echo"))
    (environment,) = await eventually(lambda: [e for e in function.url.environments if e.pid])
    environment.kill()
    assert (await request).status_code == 502
    assert function.url.invocations[-1].error_type == "Runtime.ExitError"


async def test_frozen_between_requests(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, warm=1, freeze=True)
    pid = function.url.environments[0].pid
    assert pid is not None
    for _ in range(3):
        await eventually(lambda: process_state(pid) == "stopped")
        response = await function.get("/echo")
        assert response.json()["pid"] == pid


async def test_background_work_is_done_before_the_freeze(deploy: Deploy, tmp_path: Path) -> None:
    function = await deploy(BUFFERED, freeze=True)
    response = await function.get("/background", params={"gate": str(tmp_path / "gate")})
    pid = int(response.text)
    await asyncio.sleep(0.1)
    assert process_state(pid) != "stopped"
    (tmp_path / "gate").touch()
    await eventually(lambda: process_state(pid) == "stopped")


@pytest.mark.parametrize("freeze", [False, True])
async def test_snap_start_restores_before_the_first_event(deploy: Deploy, freeze: bool) -> None:
    function = await deploy(BUFFERED, warm=1, initialization_type="snap-start", freeze=freeze)
    (environment,) = function.url.environments
    assert environment.state is State.SNAPSHOT
    await function.line("before snapshot")
    assert "after restore" not in function.lines
    for _ in range(2):
        assert (await function.get("/echo")).status_code == 200
    first, second = function.url.invocations
    assert first.cold
    assert first.restore_duration_ms is not None
    assert second.restore_duration_ms is None
    assert function.lines.count("after restore") == 1


async def test_failed_restore_is_502(deploy: Deploy) -> None:
    environment = {"RESTORE_FAILURE": "1"}
    function = await deploy(BUFFERED, initialization_type="snap-start", env=environment)
    assert (await function.get("/echo")).status_code == 502
    assert function.url.invocations[-1].error_type == "Runtime.AfterRestoreError"


@pytest.mark.parametrize("freeze", [False, True])
async def test_nothing_is_left_after_stop(freeze: bool) -> None:
    url = FunctionUrl(dataclasses.replace(BUFFERED, freeze=freeze), min_environments=1)
    await url.start()
    async with Deployed.connect(url) as function:
        pids = (await function.get("/spawn")).json()
    assert all(process_state(pid) != "dead" for pid in pids)
    await url.stop()
    assert not url.environments
    for pid in pids:
        await _gone(pid)


async def test_stop_cuts_requests_in_progress(tmp_path: Path) -> None:
    url = FunctionUrl(STREAMED)
    await url.start()
    async with Deployed.connect(url) as function:
        query = {"chunks": "1", "gate": str(tmp_path / "never")}
        async with function.client.stream("GET", "/gated", params=query) as response:
            await anext(response.aiter_raw())
            await url.stop()


async def _gone(pid: int | None) -> None:
    assert pid is not None
    await eventually(lambda: process_state(pid) == "dead")
