"""`sidestream ttft`: what it measures, what it says of it, and its exit code."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sidestream.cli.errors import CommandError
from sidestream.cli.first_token import Sample, Summary, percentile, read_server_timing
from sidestream.cli.metrics import window_s
from sidestream.local.emulator.variables import REGION
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.asgi_server import serve
from tests.command import run


async def ttft(system: LocalSystem, *arguments: str) -> tuple[int, str, str]:
    folder = str(system.options.folder)
    done = await asyncio.to_thread(run, "ttft", "--folder", folder, *arguments)
    return done.returncode, done.stdout, done.stderr


async def test_it_measures_every_message_once_and_leaves_nothing_behind(
    system: LocalSystem, tmp_path: Path
) -> None:
    user = new_id("user")
    png, report = tmp_path / "ttft.png", tmp_path / "ttft.json"
    code, output, errors = await ttft(
        system,
        *("--count", "3", "--user", user, "--target-ms", "30000"),
        *("--plot", str(png), "--json", str(report)),
    )
    assert (code, errors) == (0, "")
    assert "100% within 30000 ms" in output
    assert png.read_bytes().startswith(b"\x89PNG")

    document = json.loads(report.read_text())
    assert document["summary"]["count"] == 3
    assert document["summary"]["kept"] is True
    assert [sample["number"] for sample in document["samples"]] == [1, 2, 3]
    for sample in document["samples"]:
        assert 0 < sample["answered_ms"] <= sample["first_event_ms"]
        assert sample["first_event_ms"] <= sample["ttft_ms"] <= sample["total_ms"]
        assert (sample["status"], sample["error"]) == (200, "")
        assert set(sample["parts"]) == {
            "auth", "prepare", "queue", "database", "model", "network",
        }  # fmt: skip
        assert sum(sample["parts"].values()) == pytest.approx(sample["ttft_ms"], abs=0.5)

    bearer = {"Authorization": f"Bearer {system.token(user)}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=bearer) as client:
        listing = {"type": "threads.list", "params": {"limit": 10, "order": "desc"}}
        threads = await client.post("/api/chatkit", json=listing)
    assert threads.json()["data"] == []


async def test_late_ones_are_named_with_where_the_time_went(system: LocalSystem) -> None:
    code, output, _ = await ttft(system, "--count", "2", "--target-ms", "1")
    assert code == 1
    assert "0% within 1 ms" in output
    assert "request 1 was late" in output
    assert "model" in output


async def test_a_failed_message_counts_as_late(system: LocalSystem, tmp_path: Path) -> None:
    report, png = tmp_path / "ttft.json", tmp_path / "ttft.png"
    system.model.fail_next(401, times=1)
    code, output, _ = await ttft(
        system,
        *("--count", "1", "--target-ms", "30000", "--user", new_id("user")),
        *("--json", str(report), "--plot", str(png)),
    )
    assert code == 1
    assert "request 1 failed" in output
    assert "0% within 30000 ms" in output
    assert "1 failed" in output
    assert json.loads(report.read_text())["summary"]["failed"] == 1
    assert png.read_bytes().startswith(b"\x89PNG")


async def test_an_answer_that_breaks_off_is_not_a_fast_one(system: LocalSystem) -> None:
    system.model.cut_next(after_words=2)
    code, output, _ = await ttft(
        system, *("--count", "1", "--target-ms", "30000", "--user", new_id("user"))
    )
    assert code == 1
    assert "request 1 failed" in output


async def test_a_token_that_is_held_back_is_the_models_time(
    system: LocalSystem, tmp_path: Path
) -> None:
    report = tmp_path / "ttft.json"
    system.model.hold(after_words=0)
    held = asyncio.create_task(
        ttft(
            system,
            *("--count", "1", "--target-ms", "200", "--user", new_id("user")),
            *("--json", str(report)),
        )
    )
    try:
        await asyncio.wait_for(system.model.until(lambda: system.model.held_streams > 0), 60)
        await asyncio.sleep(0.4)  # longer than the target
    finally:
        system.model.release()
    code, output, _ = await held
    assert code == 1
    assert "request 1 was late" in output
    [sample] = json.loads(report.read_text())["samples"]
    assert sample["first_event_ms"] < sample["ttft_ms"]
    assert sum(sample["parts"].values()) >= 400
    assert "model" in sample["parts"]


def endpoint(answers: list[Response]) -> Starlette:
    """An endpoint that gives these answers in run to messages, and takes every deletion."""

    async def answer(request: Request) -> Response:
        body = await request.json()
        return answers.pop(0) if body["type"] == "threads.create" else JSONResponse({})

    return Starlette(routes=[Route("/api/chatkit", answer, methods=["POST"])])


def stream(*events: dict[str, object], **headers: str) -> Response:
    async def frames() -> AsyncIterator[bytes]:
        for event in events:
            yield f"data: {json.dumps(event)}\n\n".encode()

    return StreamingResponse(frames(), media_type="text/event-stream", headers=headers)


def delta(text: str) -> dict[str, object]:
    update = {"type": "assistant_message.content_part.text_delta", "delta": text}
    return {"type": "thread.item.updated", "item_id": "msg_1", "update": update}


async def measured(
    answers: list[Response], tmp_path: Path, count: int
) -> tuple[int, str, dict[str, Any]]:
    report = tmp_path / "report.json"
    async with serve(endpoint(answers)) as url:
        arguments = ("--url", url, "--token", "t", "--target-ms", "30000", "--count", str(count))
        done = await asyncio.to_thread(run, "ttft", *arguments, "--json", str(report))
    document: dict[str, Any] = json.loads(report.read_text())
    return done.returncode, done.stdout, document


async def test_only_words_of_the_assistant_are_tokens(tmp_path: Path) -> None:
    own = {"type": "user_message", "id": "msg_0", "content": [{"type": "input_text", "text": "Hi"}]}
    mine: list[dict[str, object]] = [
        {"type": "thread.created"},
        {"type": "thread.item.done", "item": own},
    ]
    cold = {"server-timing": "cold, auth;dur=1"}
    code, output, document = await measured(
        [stream(*mine, delta("Hel"), delta("lo"), **cold), stream(*mine)], tmp_path, 2
    )
    first, second = document["samples"]
    assert first["ttft_ms"] is not None
    assert (first["cold_start"], first["error"]) == (True, "")
    assert (second["ttft_ms"], second["error"]) == (None, "the answer had no words")
    assert second["first_event_ms"] is not None
    assert document["summary"]["count"] == 2
    assert document["summary"]["share"] == 0.5
    assert "cold start" in output
    assert code == 1


async def test_every_kind_of_failure_is_counted_and_shown(tmp_path: Path) -> None:
    problem = {"title": "No", "detail": "[bold]The model is away.\x1b[2J", "status": 503}
    code, output, document = await measured(
        [
            stream(delta("Hi"), {"type": "error", "message": "It broke."}),
            JSONResponse(problem, 503, media_type="application/problem+json"),
            Response("<html>", 502),
            stream(delta("Hi")),
        ],
        tmp_path,
        4,
    )
    samples = document["samples"]
    assert [sample["status"] for sample in samples] == [200, 503, 502, 200]
    assert [bool(sample["error"]) for sample in samples] == [True, True, True, False]
    summary = document["summary"]
    assert (summary["failed"], summary["share"], summary["kept"]) == (3, 0.25, False)
    assert summary["p99_ms"] == samples[3]["ttft_ms"]
    assert "request 1 failed: It broke." in output
    assert "[bold]The model is away." in output
    assert "\x1b[2J" not in output
    assert code == 1


async def test_too_many_for_now_is_waited_for_and_not_a_failure(tmp_path: Path) -> None:
    limited = JSONResponse({"title": "Slow down"}, 429, headers={"retry-after": "1"})
    code, _, document = await measured([limited, stream(delta("Hi"))], tmp_path, 1)
    assert (code, document["summary"]["failed"]) == (0, 0)


async def test_cloudwatch_has_the_same_turns(system: LocalSystem, tmp_path: Path) -> None:
    sent = tmp_path / "sent.json"
    code, _, errors = await ttft(
        system, *("--count", "2", "--target-ms", "30000", "--json", str(sent))
    )
    assert (code, errors) == (0, "")
    assert await asyncio.to_thread(system.metrics.flush)
    report = tmp_path / "cloudwatch.json"
    code, output, errors = await ttft(system, "--cloudwatch", "--json", str(report))
    assert errors == ""
    assert "were in time" in output
    document = json.loads(report.read_text())
    whole, parts = document["whole"], document["parts"]
    assert whole["count"] == sum(part["count"] for part in parts) >= 2
    assert whole["on_time"] == sum(part["on_time"] for part in parts)
    assert 0 < whole["p50_ms"] <= whole["p90_ms"] <= whole["p99_ms"]
    assert code == (0 if whole["share"] >= 0.9 else 1)


async def test_cloudwatchs_percentiles_are_those_of_the_values(
    system: LocalSystem, tmp_path: Path
) -> None:
    stage = new_id("stage")
    values = [120.0, 480.0, 2000.0]
    await asyncio.to_thread(_put, system.endpoints.aws, stage, values)
    report = tmp_path / "cloudwatch.json"
    # The stand-in by its address in the environment, as AWS's own tools take it.
    done = await asyncio.to_thread(
        run,
        *("ttft", "--cloudwatch", "--stage", stage, "--window", "30m", "--region", REGION),
        *("--json", str(report)),
        env={
            "AWS_ENDPOINT_URL": system.endpoints.aws,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        },
    )
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    whole = json.loads(report.read_text())["whole"]
    assert (whole["count"], whole["on_time"], whole["cold_starts"]) == (3, 2, 1)
    assert (whole["p50_ms"], whole["p90_ms"]) == (480, 2000)
    assert "67% of 3 were in time, 1 were not" in done.stdout


def _put(url: str, stage: str, values: list[float]) -> None:
    dimensions = [{"Name": "service", "Value": "chat"}, {"Name": "stage", "Value": stage}]
    now = datetime.now(UTC)

    def metric(name: str, numbers: list[float]) -> list[dict[str, Any]]:
        # As the functions do: each figure by stage, and once more by model.
        kept = (dimensions, [*dimensions, {"Name": "model", "Value": "m"}])
        each = {"MetricName": name, "Timestamp": now}
        return [
            {**each, "Dimensions": names, "Value": number} for names in kept for number in numbers
        ]

    client = boto3.client(
        "cloudwatch",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    for data in (
        metric("TimeToFirstToken", values),
        metric("TTFTWithinTarget", [float(value <= 500) for value in values]),
        metric("ColdStart", [1.0, 0.0, 0.0]),
    ):
        client.put_metric_data(Namespace="Sidestream", MetricData=data)
    client.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 1800), ("90m", 5400), ("1h", 3600), ("2d", 172_800)]
)
def test_a_window_has_a_unit(text: str, seconds: int) -> None:
    assert window_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "h", "1y", "15d", "-1h"])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="window"):
        window_s(text)


async def test_it_says_what_is_missing(tmp_path: Path) -> None:
    for arguments in (
        ("--folder", str(tmp_path)),
        ("--folder", str(tmp_path), "--cloudwatch"),
        ("--folder", str(tmp_path), "--cloudwatch", "--window", "soon", "--stage", "x"),
        ("--url", "http://127.0.0.1:9"),
    ):
        done = await asyncio.to_thread(run, "ttft", *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("sidestream: ")
        assert "Traceback" not in done.stderr


def test_percentiles_are_nearest_rank() -> None:
    values = [float(value) for value in range(1, 11)]
    assert (percentile(values, 50), percentile(values, 90), percentile(values, 99)) == (5, 9, 10)
    assert percentile([7.0], 50) == 7
    assert percentile([], 50) is None


def test_the_promise_is_ninety_percent_of_all_messages() -> None:
    good, late = Sample(1, ttft_ms=100.0), Sample(2, ttft_ms=900.0)
    failed = Sample(3, error="no answer")
    broken = Sample(4, ttft_ms=10.0, error="the answer broke off")
    assert Summary.of([good] * 9 + [late], 500).kept
    assert not Summary.of([good] * 8 + [late, failed], 500).kept
    assert Summary.of([failed], 500).p50_ms is None
    assert Sample(1, ttft_ms=500.0).within(500)
    summary = Summary.of([late, broken], 500)
    assert (summary.share, summary.failed, summary.p50_ms) == (0, 1, 900)


def test_the_parts_of_a_sample_add_up() -> None:
    phases = {"auth": 1.0, "database": 9.0}
    sample = Sample(1, answered_ms=30.0, ttft_ms=100.0, phases=phases)
    assert sample.parts() == {"auth": 1.0, "database": 9.0, "network": 20.0, "model": 70.0}
    assert Sample(1, phases=phases, error="none").parts() == phases


def test_server_timing_is_read() -> None:
    assert read_server_timing("cold, auth;dur=0.25, database;dur=7") == (
        {"auth": 0.25, "database": 7.0},
        True,
    )
    assert read_server_timing("") == ({}, False)
