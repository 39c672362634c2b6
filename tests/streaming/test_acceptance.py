"""What the runtime promises, each point through the emulator: real processes, real HTTP."""

import asyncio
import base64
import json
import re
from contextlib import AbstractAsyncContextManager

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest

from .functions import Function, Line, function, open_line


async def test_a_chunk_is_seen_before_the_next_is_made(stream: Function, line: Line) -> None:
    url = f"{stream.url}/gated?line={line.port}"
    async with stream.client.stream("GET", url) as response:
        lines = response.aiter_lines()
        for number in range(3):
            await line.let()
            assert (await anext(lines)).startswith(f"{number} ")


class TestErrors:
    async def test_midway_is_told_in_trailers(self, stream: Function) -> None:
        response = await stream.get("/fails-midway")
        record = stream.invocations[-1]
        assert response.text == "one\ntwo\n"
        assert set(record.trailers) == {
            "lambda-runtime-function-error-type",
            "lambda-runtime-function-error-body",
        }
        assert record.error_type == "Function.SecretError"
        assert re.fullmatch(r"(Runtime|Function)\.[A-Z][a-zA-Z]+", record.error_type)

    async def test_midway_tells_no_secret(self, stream: Function) -> None:
        await stream.get("/fails-midway")
        trailers = stream.invocations[-1].trailers
        body = base64.b64decode(trailers["lambda-runtime-function-error-body"])
        assert len(body) < 4096
        assert b"sk-secret" not in body
        assert json.loads(body)["errorType"] == "Function.SecretError"

    async def test_midway_leaves_the_process_alive(self, stream: Function) -> None:
        pid = (await stream.get("/hello")).json()["pid"]
        await stream.get("/fails-midway")
        assert (await stream.get("/hello")).json()["pid"] == pid

    @pytest.mark.parametrize("path", ["/fails-before-start", "/fails-at-start"])
    async def test_before_the_first_byte_is_an_error(self, stream: Function, path: str) -> None:
        response = await stream.get(path)
        record = stream.invocations[-1]
        assert response.status_code == 502
        assert record.error_type == "Function.SecretError"
        assert "sk-secret" not in (record.error_message or "")
        assert record.trailers == {}
        assert (await stream.get("/hello")).status_code == 200

    async def test_after_the_response_stays_in_the_log(self, stream: Function) -> None:
        response = await stream.get("/fails-in-framework")
        assert (response.status_code, response.text) == (500, "Internal Server Error")
        assert stream.invocations[-1].error_type is None
        await stream.get("/hello")
        assert any("Function.SecretError in the application" in text for text in stream.log)


class TestHeaders:
    async def test_cookies_duplicates_and_latin_1(self, stream: Function) -> None:
        response = await stream.get("/headers")
        assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
        assert response.headers["x-list"] == "one, two"
        raw = dict(response.headers.raw)
        assert next(v for k, v in raw.items() if k.lower() == b"x-latin") == b"caf\xe9"

    async def test_framing_headers_stay_behind(self, stream: Function) -> None:
        response = await stream.get("/headers")
        assert not [name for name in response.headers if name.startswith("x-amzn-remapped")]
        assert response.content == b"body"

    @pytest.mark.parametrize("kind", ["nul", "large"])
    async def test_impossible_ones_are_an_error(self, stream: Function, kind: str) -> None:
        response = await stream.get(f"/headers?kind={kind}")
        assert response.status_code == 502
        assert stream.invocations[-1].error_type == "Function.InvalidResponse"

    async def test_cors_is_left_to_the_url_when_it_owns_it(self, stream: Function) -> None:
        assert "access-control-allow-origin" in (await stream.get("/headers")).headers
        async with function(env={"STREAM_STRIP_CORS_HEADERS": "1"}) as stripping:
            response = await stripping.get("/headers")
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["x-list"] == "one, two"


class TestEmptyBodies:
    @pytest.mark.parametrize("path", ["/empty/200", "/empty/307", "/empty/404"])
    async def test_end_where_lambda_would_hang(self, stream: Function, path: str) -> None:
        stream.faults.hang_on_empty_body = True
        try:
            response = await stream.get(path)
        finally:
            stream.faults.hang_on_empty_body = False
        assert response.status_code == int(path[-3:])
        assert response.content == b"\n"

    @pytest.mark.parametrize("status", [204, 304])
    async def test_stay_empty_where_a_body_is_forbidden(
        self, stream: Function, status: int
    ) -> None:
        response = await stream.get(f"/empty/{status}")
        assert (response.status_code, response.content) == (status, b"")

    async def test_head(self, stream: Function) -> None:
        stream.faults.hang_on_empty_body = True
        try:
            response = await stream.client.head(f"{stream.url}/hello")
        finally:
            stream.faults.hang_on_empty_body = False
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.slow
async def test_a_hundred_megabytes_need_little_memory(stream: Function) -> None:
    pid = (await stream.get("/hello")).json()["pid"]
    process = psutil.Process(pid)
    before_bytes = most_bytes = process.memory_info().rss
    size_bytes, mib = 0, 100
    async with stream.client.stream("GET", f"{stream.url}/large?mib={mib}") as response:
        async for piece in response.aiter_raw():
            if not size_bytes:
                # Let the function run ahead as far as it can.
                await asyncio.sleep(0.5)
            size_bytes += len(piece)
            most_bytes = max(most_bytes, process.memory_info().rss)
    assert size_bytes == mib * 1024 * 1024
    assert most_bytes - before_bytes < 10 * 1024 * 1024


class TestPlatformFaults:
    async def test_a_cut_response_disconnects_the_app(self, stream: Function, line: Line) -> None:
        pid = (await stream.get("/hello")).json()["pid"]
        stream.faults.cut_response_after_bytes = 4096
        with pytest.raises(httpx2.RemoteProtocolError):
            await stream.get(f"/until-disconnect?line={line.port}")
        assert await line.heard() == "http.disconnect"
        assert (await stream.get("/hello")).json()["pid"] == pid

    async def test_an_app_that_does_not_listen_is_cancelled(
        self, stream: Function, line: Line
    ) -> None:
        pid = (await stream.get("/hello")).json()["pid"]
        stream.faults.cut_response_after_bytes = 512
        with pytest.raises(httpx2.RemoteProtocolError):
            await stream.get(f"/until-cancelled?line={line.port}")
        async with asyncio.timeout(10):
            assert await line.heard() == "cancelled"
        assert (await stream.get("/hello")).json()["pid"] == pid

    async def test_a_stale_response_is_survived(self, stream: Function) -> None:
        pid = (await stream.get("/hello")).json()["pid"]
        stream.faults.stale_responses = 1
        assert (await stream.get("/hello")).status_code == 502
        assert (await stream.get("/hello")).json()["pid"] == pid
        assert any("(410)" in text for text in stream.log)

    async def test_a_refused_next_ends_the_process(self) -> None:
        async with function() as refused:
            first = (await refused.get("/hello")).json()
            refused.faults.refused_next = 1
            # The first process takes one more if it polls already, and fails one while it exits.
            for _ in range(3):
                last = await refused.get("/hello")
                if last.is_success and last.json()["pid"] != first["pid"]:
                    break
            assert last.json()["pid"] != first["pid"]
            assert any("invocation/next answered 403" in text for text in refused.log)


async def test_the_app_ends_early_and_closes_its_model_call(stream: Function, line: Line) -> None:
    async with open_line() as model:
        url = f"{stream.url}/stopped?line={line.port}&upstream={model.port}"
        async with stream.client.stream("GET", url) as response:
            words = response.aiter_lines()
            await model.say("word")
            assert await anext(words) == "word"
            await line.let()
            assert [word async for word in words] == []
        assert await model.heard() == ""
        assert await line.heard() == "saved"
    assert stream.invocations[-1].error_type is None


def timed_function() -> AbstractAsyncContextManager[Function]:
    """One that has five seconds, and is to use half of them."""
    return function(env={"STREAM_DEADLINE_MARGIN_MS": "2500"}, timeout_s=5)


@pytest.mark.slow
class TestDeadline:
    async def test_the_app_is_stopped_and_saves(self, line: Line) -> None:
        async with timed_function() as timed:
            response = await timed.get(f"/until-deadline?line={line.port}")
            record = timed.invocations[-1]
        assert response.text == "partial\n"
        assert await line.heard() == "saved"
        assert record.duration_ms < 4000
        assert record.error_type == "Runtime.DeadlineExceeded"

    async def test_an_app_that_does_not_listen_is_cancelled(self, line: Line) -> None:
        async with timed_function() as timed:
            response = await timed.get(f"/until-cancelled?line={line.port}")
            record = timed.invocations[-1]
            assert await line.heard() == "cancelled"
        assert response.content == b"x" * 1024
        assert record.duration_ms < 4000

    async def test_the_app_may_say_its_last_words(self) -> None:
        async with timed_function() as timed:
            response = await timed.get("/last-words")
            record = timed.invocations[-1]
        assert response.text == "partial\ntimeout\n"
        assert record.duration_ms < 4000
        assert record.error_type is None

    async def test_a_stubborn_app_does_not_keep_the_response_open(self) -> None:
        async with timed_function() as timed:
            response = await timed.get("/stubborn")
            record = timed.invocations[-1]
        assert response.text == "partial\n"
        assert record.duration_ms < 4000
        assert record.error_type == "Runtime.DeadlineExceeded"


async def test_background_work_ends_before_the_next_invocation(
    stream: Function, line: Line
) -> None:
    before = (await stream.get("/hello")).json()
    response = await stream.get(f"/background?line={line.port}")
    assert response.json() == {"ok": True}
    await line.connected()
    # The client has everything, and the only environment takes nothing new.
    assert (await stream.client.get(f"{stream.url}/hello")).status_code == 429
    await line.let()
    after = (await stream.get("/hello")).json()
    assert after["background_done"] == before["background_done"] + 1
    assert after["pid"] == before["pid"]


class TestSnapStart:
    async def test_hooks_run_in_aws_order(self) -> None:
        async with function("snapstart_apps:app", initialization_type="snap-start") as snap:
            response = await snap.get("/")
        assert response.text == "startup,before 2,before 1,after 1,after 2"

    @pytest.mark.parametrize(
        ("when", "error_type"),
        [("before", "Runtime.BeforeSnapshotError"), ("after", "Runtime.AfterRestoreError")],
    )
    async def test_failing_hooks(self, when: str, error_type: str) -> None:
        async with function(
            "snapstart_apps:app", {"FAIL": when}, initialization_type="snap-start"
        ) as snap:
            response = await snap.get("/")
            record = snap.invocations[-1]
        assert response.status_code == 502
        assert record.error_type == error_type
        assert "sk-secret" not in (record.error_message or "")

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_failing_hook_may_tell_why(self, when: str) -> None:
        env = {"FAIL": when, "TELLS": "1"}
        async with function("snapstart_apps:app", env, initialization_type="snap-start") as snap:
            assert (await snap.get("/")).status_code == 502
            assert snap.invocations[-1].error_message == "The setting X is missing."


async def test_eight_streams_at_once_keep_apart() -> None:
    async with function(env={"AWS_LAMBDA_LOG_FORMAT": "JSON"}, max_concurrency=8) as shared:
        bodies = await asyncio.gather(*(_gated_stream(shared, n) for n in range(8)))
        pids = {record.environment_pid for record in shared.invocations}
        assert len(pids) == 1
        ids = {record.request_id for record in shared.invocations}
        assert (await shared.get("/hello")).json()["trace_variable"] is None
        logged = [json.loads(text) for text in shared.log if '"word ' in text]
    assert {entry["requestId"] for entry in logged} == ids
    assert len(logged) == 8 * 3
    for number, body in enumerate(bodies):
        words = [line.split() for line in body.splitlines()]
        assert [word[0] for word in words] == ["0", "1", "2"]
        assert len({word[1] for word in words}) == 1
        assert words[0][1] in ids
        assert {word[2].split(";")[0] for word in words} == {f"Root=1-{number:08x}-{'0' * 24}"}
    assert len({body.split()[1] for body in bodies}) == 8


class TestEvents:
    async def test_payload_2(self, stream: Function) -> None:
        response = await stream.client.post(
            f"{stream.url}/hello?a=1&a=2&b=%C3%A9",
            content=b"\x00\xff",
            headers=[("x-test", "one"), ("cookie", "c=3"), ("content-type", "image/png")],
        )
        seen = response.json()
        assert seen["event_version"] == "2.0"
        assert seen["query"] == [["a", "1"], ["a", "2"], ["b", "\u00e9"]]
        assert seen["body"] == base64.b64encode(b"\x00\xff").decode()
        assert seen["header"] == ["one"]
        assert seen["cookies"] == {"c": "3"}
        assert seen["client"] == "127.0.0.1"

    async def test_payload_1(self) -> None:
        async with function(payload_version="1.0") as rest:
            response = await rest.client.post(
                f"{rest.url}/hello?a=1&a=2",
                content=b"text",
                headers=[("x-test", "one"), ("x-test", "two"), ("cookie", "c=3")],
            )
            cookies = (await rest.get("/headers")).headers.get_list("set-cookie")
        seen = response.json()
        assert seen["query"] == [["a", "1"], ["a", "2"]]
        assert seen["body"] == base64.b64encode(b"text").decode()
        assert seen["header"] == ["one", "two"]
        assert seen["cookies"] == {"c": "3"}
        assert cookies == ["a=1; Path=/", "b=2; Path=/"]

    async def test_the_path_is_decoded_once(self, stream: Function) -> None:
        assert (await stream.get("/a%20b/c%252Fd")).json()["path"] == "/a b/c%2Fd"


class TestContext:
    async def test_it_describes_the_invocation(self, stream: Function) -> None:
        seen = (await stream.get("/hello")).json()
        assert seen["request_id"] == stream.invocations[-1].request_id
        assert 0 < seen["remaining_ms"] <= 60_000
        assert seen["arn"].endswith(":function:stream")
        assert seen["function_name"] == "stream"
        assert seen["trace_id"].startswith("Root=1-")
        assert seen["trace_variable"] == seen["trace_id"]
        assert seen["state"] == "yes"

    async def test_only_the_first_invocation_is_cold(self) -> None:
        async with function() as fresh:
            cold = [(await fresh.get("/hello")).json()["cold_start"] for _ in range(2)]
        assert cold == [True, False]


class TestLife:
    async def test_a_frozen_process_goes_on(self) -> None:
        async with function(freeze=True) as frozen:
            pids = {(await frozen.get("/hello")).json()["pid"] for _ in range(3)}
        assert len(pids) == 1

    async def test_lifespan_ends_with_the_process(self) -> None:
        async with function() as ended:
            await ended.get("/hello")
            assert "lifespan started" in ended.log
            assert "lifespan stopped" not in ended.log
        assert "lifespan stopped" in ended.log

    async def test_a_factory_is_called(self) -> None:
        async with function("apps:factory") as made:
            assert (await made.get("/hello")).status_code == 200

    @pytest.mark.parametrize(
        ("app", "error_type"),
        [
            ("apps:missing", "Runtime.HandlerNotFound"),
            ("apps:not_an_app", "Runtime.HandlerNotFound"),
            ("missing:app", "Runtime.ImportModuleError"),
            ("", "Runtime.MalformedHandlerName"),
            ("apps", "Runtime.MalformedHandlerName"),
            ("apps.main", "Runtime.MalformedHandlerName"),
            ("sys:path", "Runtime.BuiltInModuleConflict"),
        ],
    )
    async def test_a_wrong_app_is_an_init_error(self, app: str, error_type: str) -> None:
        async with function(app) as broken:
            assert (await broken.get("/hello")).status_code == 502
            assert broken.invocations[-1].error_type == error_type

    async def test_a_wrong_setting_is_an_init_error(self) -> None:
        async with function(env={"STREAM_PREAMBLE_BYTES": "many"}) as broken:
            assert (await broken.get("/hello")).status_code == 502
            assert broken.invocations[-1].error_type == "Runtime.InvalidSettings"

    async def test_a_startup_that_fails_is_an_init_error_and_says_why(self) -> None:
        async with function("apps:never_ready") as broken:
            assert (await broken.get("/hello")).status_code == 502
            assert broken.invocations[-1].error_type == "Function.LifespanStartupFailed"
        assert any("The setting X is missing." in line for line in broken.log)
        assert "setting" not in (broken.invocations[-1].error_message or "")

    async def test_a_startup_may_tell_lambda_why_it_fails(self) -> None:
        async with function("apps:never_ready_and_says_so") as broken:
            assert (await broken.get("/hello")).status_code == 502
            assert broken.invocations[-1].error_message == "The setting X is missing."


async def test_an_event_stream_opens_with_the_preamble(line: Line) -> None:
    async with function(env={"STREAM_PREAMBLE_BYTES": "2048"}) as padded:
        await asyncio.gather(
            response := asyncio.create_task(padded.get(f"/gated?count=1&line={line.port}")),
            line.let(),
        )
        hello = await padded.get("/hello")
    preamble, _, events = response.result().text.partition("\n\n")
    assert len(preamble) + 2 == 2048
    assert preamble.startswith(":")
    assert events.startswith("0 ")
    assert hello.text.startswith("{")


async def _gated_stream(shared: Function, number: int) -> str:
    async with open_line() as line:
        trace = {"x-amzn-trace-id": f"Root=1-{number:08x}-{'0' * 24}"}
        url = f"{shared.url}/gated?line={line.port}"
        async with shared.client.stream("GET", url, headers=trace) as response:
            words = response.aiter_lines()
            seen = []
            for _ in range(3):
                await line.let()
                seen.append(await anext(words))
            return "\n".join(seen)
