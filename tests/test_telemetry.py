"""Metrics: what CloudWatch makes of an EMF record, also with several requests in one process."""

import asyncio
import json
import logging
import sys
from typing import Any

import pytest
from aws_lambda_powertools.metrics import MetricUnit
from awslambdaric.lambda_runtime_log_utils import (  # type: ignore[import-untyped]
    JsonFormatter,
)

from sidestream import telemetry


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_metric_is_kept_by_stage_and_again_by_model(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.emit(
        "chat",
        {"TimeToFirstToken": (MetricUnit.Milliseconds, 123.4)},
        {"run_id": "run_1"},
        {"stage": "prod", "model": "m"},
    )

    [record] = records(capsys)
    [directive] = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Sidestream"
    assert [sorted(names) for names in directive["Dimensions"]] == [
        ["service", "stage"],
        ["model", "service", "stage"],
    ]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["TimeToFirstToken"]
    assert record["TimeToFirstToken"] == [123.4]
    assert (record["service"], record["stage"], record["model"]) == ("chat", "prod", "m")
    assert record["run_id"] == "run_1"


async def test_requests_in_one_process_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    async def run(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            telemetry.emit(
                "chat",
                {"RunDuration": (MetricUnit.Milliseconds, number)},
                {"request_id": f"r{number}"},
                {"stage": "test", "model": f"m{number}"},
            )

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(run(number))

    seen = records(capsys)
    assert len(seen) == 60
    for record in seen:
        assert record["model"] == f"m{record['RunDuration'][0]:.0f}"
        assert record["request_id"] == f"r{record['RunDuration'][0]:.0f}"


def test_a_log_line_is_one_line_for_every_reader(capsys: pytest.CaptureFixture[str]) -> None:
    said = "a\u2028b\u2029c\u0085d"
    telemetry.logger("lines").info("said", extra={"said": said})

    [record] = records(capsys)
    assert record["said"] == said


def test_so_is_one_of_awss_own_logger(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stdout)
    handler.terminator = ""
    handler.setFormatter(JsonFormatter())
    kept, root.handlers = root.handlers, [handler]
    try:
        telemetry.write_one_line()
        root.error("a\u2028b\u2029c\u0085d")
    finally:
        root.handlers = kept

    [record] = records(capsys)
    assert record["message"] == "a\u2028b\u2029c\u0085d"
