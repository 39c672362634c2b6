"""Logs and metrics: JSON lines through Powertools, one EMF record per run.

Log lines carry types, counts, ids and durations, never message text, titles or tokens. Metrics
use `EphemeralMetrics`, because Powertools' `Metrics` keeps its state on the class and mixes two
requests in one process.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Collection, Mapping
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from sidestream.streaming.lines import one_line

NAMESPACE: Final = "Sidestream"
_BY_VERSION: Final = ["function", "version"]

# chatkit attaches a handler of its own when LOG_LEVEL is set: every line would come twice.
os.environ.pop("LOG_LEVEL", None)
# At INFO they write a line for each request that they send; at DEBUG what a person said is in it.
for _library in ("botocore", "httpx2", "mangum", "mcp", "openai"):
    logging.getLogger(_library).setLevel(logging.WARNING)


def logger(service: str) -> Logger:
    """Give the JSON logger of a service (`chat`, `tools`)."""
    return Logger(service=service, use_rfc3339=True, utc=True, json_serializer=_serialize)


def _serialize(record: dict[str, Any]) -> str:
    return one_line(json.dumps(record, default=str, ensure_ascii=False, separators=(",", ":")))


class _OneLine(logging.Formatter):
    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return one_line(self._inner.format(record))


def write_one_line() -> None:
    """Have the root logger's handlers, which are AWS's own in a managed runtime, escape what ends a
    line for some readers."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_OneLine(handler.formatter or logging.Formatter()))


def log_failure(log: Logger, message: str, error: BaseException, **fields: Any) -> None:
    """Log where something failed and as what, without the error's text, which may quote anything:
    a person's words, an address with its password."""
    log.error(
        message,
        extra={
            **fields,
            "error_type": type(error).__qualname__,
            "stack": traceback.format_tb(error.__traceback__),
        },
    )


def emit(
    service: str,
    metrics: Mapping[str, tuple[MetricUnit, float]],
    properties: Mapping[str, str | int | float | bool],
    dimensions: Mapping[str, str],
    by_version: Collection[str] = (),
) -> None:
    """Write one EMF record to standard output: `metrics` by name as (unit, value).

    CloudWatch keeps each metric by service and `stage`, which alarms can name, again by all the
    dimensions given, and those of `by_version` by the function and its version too: alarms of a
    release look at the new version alone.
    """
    record = EphemeralMetrics(namespace=NAMESPACE, service=service)
    record.add_dimension(name="stage", value=dimensions["stage"])
    if len(dimensions) > 1:
        record.add_dimensions(service=service, **dimensions)
    for name, (unit, number) in metrics.items():
        record.add_metric(name=name, unit=unit, value=number)
    for name, extra in properties.items():
        record.add_metadata(key=name, value=extra)
    output: dict[str, Any] = dict(record.serialize_metric_set())
    [directive] = output["_aws"]["CloudWatchMetrics"]
    kept = [metric for metric in directive["Metrics"] if metric["Name"] in by_version]
    if kept:
        output |= _version()
        directives = output["_aws"]["CloudWatchMetrics"]
        directives.append({**directive, "Dimensions": [_BY_VERSION], "Metrics": kept})
    sys.stdout.write(json.dumps(output, separators=(",", ":")) + "\n")


def counted(name: str, number: int, stage: str) -> dict[str, Any]:
    """Give the fields that make a log line an EMF record too, of one count, which CloudWatch keeps
    by the line's `service` and `stage`, and again by the function and its version."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service", "stage"], _BY_VERSION],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    metadata = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
    return {"_aws": metadata, "stage": stage, **_version(), name: number}


def _version() -> dict[str, str]:
    names = {"function": "AWS_LAMBDA_FUNCTION_NAME", "version": "AWS_LAMBDA_FUNCTION_VERSION"}
    return {field: os.environ.get(name, "none") for field, name in names.items()}
