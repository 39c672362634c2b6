"""Logging as AWS's Python runtime sets it up, with the request id of each record's own invocation.

The JSON formatter and the frame types are AWS's, taken from ``awslambdaric`` where the managed
runtime has it; without it a small formatter gives the fields people search for. Source of the
formats: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and
``awslambdaric.bootstrap``.
"""

import io
import json
import logging
import os
import sys
import time
from typing import Protocol

from . import context
from .lines import one_line
from .settings import Settings

_TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
_TEXT_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
_JSON_DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_FRAME_TYPE_TEXT = 0xA55A0003
_FRAME_TYPE_JSON = 0xA55A0002


class _Sink(Protocol):
    def write(self, message: str, frame_type: bytes) -> None: ...


class _StandardSink:
    def write(self, message: str, frame_type: bytes) -> None:  # noqa: ARG002
        # A carriage return keeps a traceback together as one log event.
        sys.stdout.write(message.rstrip("\n").replace("\n", "\r") + "\n")


class _FramedSink:
    """Writes ``type(4) length(4) timestamp_us(8) message`` to the descriptor Lambda reads."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "wb", 0)

    def write(self, message: str, frame_type: bytes) -> None:
        data = message.encode("utf-8", "replace")
        timestamp_us = time.time_ns() // 1000
        self._file.write(
            frame_type + len(data).to_bytes(4, "big") + timestamp_us.to_bytes(8, "big") + data
        )


class _LambdaHandler(logging.Handler):
    def __init__(self, sink: _Sink, *, json_format: bool) -> None:
        super().__init__()
        self._sink = sink
        self._base_frame_type = _FRAME_TYPE_JSON if json_format else _FRAME_TYPE_TEXT

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.aws_request_id = context.request_id.get()
            record.tenant_id = context.tenant_id.get()
            self._sink.write(one_line(self.format(record)), self._frame_type(record))
        except Exception:
            self.handleError(record)

    def _frame_type(self, record: logging.LogRecord) -> bytes:
        # DEBUG 8, INFO 12, WARNING 16, ERROR 20, CRITICAL 24 above the type without a level.
        tens = min(50, max(0, record.levelno)) // 10
        return (self._base_frame_type + (4 + 4 * tens if tens else 0)).to_bytes(4, "big")


class _JsonFormatter(logging.Formatter):
    """The fields of AWS's formatter that its documentation names."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "timestamp": self.formatTime(record, _JSON_DATE_FORMAT),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": context.request_id.get() or None,
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["errorType"] = record.exc_info[0].__name__
            fields["errorMessage"] = str(record.exc_info[1])
            fields["stackTrace"] = self.formatException(record.exc_info).split("\n")
        return json.dumps(
            {name: value for name, value in fields.items() if value is not None},
            ensure_ascii=False,
            default=str,
        )


def configure(settings: Settings) -> None:
    """Send the root logger to Lambda, and make standard output and error unbuffered."""
    sys.stdout, sys.stderr = _unbuffered(1), _unbuffered(2)
    logging.Formatter.converter = time.gmtime
    sink: _Sink = _StandardSink() if settings.log_fd is None else _FramedSink(settings.log_fd)
    json_format = settings.log_format.upper() == "JSON"
    handler = _LambdaHandler(sink, json_format=json_format)
    handler.setFormatter(
        json_formatter() if json_format else logging.Formatter(_TEXT_FORMAT, _TEXT_DATE_FORMAT)
    )
    root = logging.getLogger()
    root.addHandler(handler)
    level = {"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(
        settings.log_level.upper(), settings.log_level.upper()
    )
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)


def json_formatter() -> logging.Formatter:
    """AWS's JSON formatter, or ours when ``awslambdaric`` is not installed or has changed."""
    try:
        from awslambdaric.lambda_runtime_log_utils import (  # type: ignore[import-untyped]
            JsonFormatter,
        )
    except ImportError:
        return _JsonFormatter()
    formatter: logging.Formatter = JsonFormatter()
    return formatter


def _unbuffered(fd: int) -> io.TextIOWrapper:
    """Standard output without a buffer: a frozen process must not keep a line to itself."""
    raw = io.FileIO(fd, "wb", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
