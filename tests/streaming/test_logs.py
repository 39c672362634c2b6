"""Log lines as Lambda gets them: text, JSON, and frames."""

import asyncio
import json
import logging
import os
import struct
import sys

import pytest

from sidestream.streaming import context, logs

from .functions import function, runtime
from .lambda_fake import EVENT, FakeLambda


async def test_text_keeps_a_traceback_together() -> None:
    async with function() as plain:
        await plain.get("/fails-before-start")
        await plain.get("/hello")
        request_id = plain.invocations[0].request_id
    first = next(line for line in plain.log if line.startswith("[ERROR]"))
    assert first.split("\t")[2:] == [request_id, "Function.SecretError in the application"]
    # The emulator parts at carriage returns what was written as one line.
    assert "Traceback (most recent call last):" in plain.log


async def test_json_names_the_error_and_the_request() -> None:
    async with function(env={"AWS_LAMBDA_LOG_FORMAT": "JSON"}) as structured:
        await structured.get("/fails-before-start")
        await structured.get("/hello")
        request_id = structured.invocations[0].request_id
    entry = next(json.loads(line) for line in structured.log if '"ERROR"' in line)
    assert entry["requestId"] == request_id
    assert entry["errorType"] == "SecretError"
    assert entry["logger"] == "sidestream.streaming"
    assert entry["stackTrace"]


async def test_the_level_is_a_threshold() -> None:
    env = {"AWS_LAMBDA_LOG_LEVEL": "CRITICAL", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
    async with function(env=env) as quiet:
        await quiet.get("/fails-before-start")
        await quiet.get("/hello")
    assert not [line for line in quiet.log if "SecretError in the application" in line]


async def test_frames(fake: FakeLambda) -> None:
    reading, writing = os.pipe()
    try:
        async with runtime(
            fake,
            pass_fds=(writing,),
            _LAMBDA_TELEMETRY_LOG_FD=str(writing),
            AWS_LAMBDA_LOG_FORMAT="JSON",
        ):
            fake.invoke({**EVENT, "rawPath": "/fails-before-start"})
            await fake.finished()
            frame = await asyncio.to_thread(os.read, reading, 65536)
    finally:
        os.close(reading)
        os.close(writing)
    kind, length, timestamp_us = struct.unpack(">IIQ", frame[:16])
    assert kind == 0xA55A0016
    assert length == len(frame) - 16
    assert timestamp_us > 1_700_000_000_000_000
    assert json.loads(frame[16:])["errorType"] == "SecretError"


async def test_print_is_not_held_back(fake: FakeLambda) -> None:
    async with runtime(fake) as process:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            assert await process.stdout.readline() == b"lifespan started\n"


@pytest.mark.parametrize("has_awslambdaric", [True, False])
def test_the_fields_are_there_with_and_without_aws(
    monkeypatch: pytest.MonkeyPatch, has_awslambdaric: bool
) -> None:
    if not has_awslambdaric:
        monkeypatch.setitem(sys.modules, "awslambdaric.lambda_runtime_log_utils", None)
    formatter = logs.json_formatter()
    token = context.request_id.set("request-1")
    try:
        raise ValueError("wrong")
    except ValueError:
        record = logging.LogRecord(
            "app", logging.ERROR, __file__, 1, "it %s", ("broke",), sys.exc_info()
        )
        record.aws_request_id = "request-1"
        entry = json.loads(formatter.format(record))
    finally:
        context.request_id.reset(token)
    assert entry["message"] == "it broke"
    assert entry["level"] == "ERROR"
    assert entry["requestId"] == "request-1"
    assert entry["errorType"] == "ValueError"
    assert entry["errorMessage"] == "wrong"
    assert isinstance(entry["stackTrace"], list)
    assert entry["timestamp"].endswith("Z")
