"""CloudWatch's part in metrics: takes the EMF records out of the functions' output.

On AWS, CloudWatch Logs reads the embedded metric format from the log. Here the functions' lines
pass through `MetricFeed`, which puts the same metrics, dimension set by dimension set, into moto's
CloudWatch, so that whatever reads them works on a laptop as it does on AWS.

Source of the format: "Specification: Embedded metric format" in the CloudWatch User Guide.
"""

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any, Final

from sidestream.local.emulator.variables import REGION

_BATCH: Final = 1000  # PutMetricData's own limit
_PUT_TIMEOUT_S: Final = 10


class MetricFeed:
    """Feeds one CloudWatch. Calling it with a line returns at once; a thread does the work."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._records: queue.SimpleQueue[dict[str, Any] | threading.Event | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def __call__(self, line: str) -> None:
        """Take a line that a function printed. One without metrics is left alone."""
        if '"_aws"' not in line:
            return
        try:
            record = json.loads(line)
        except ValueError:
            return
        if isinstance(record, dict) and isinstance(record.get("_aws"), dict):
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()
            self._records.put(record)

    def flush(self, timeout_s: float = _PUT_TIMEOUT_S) -> bool:
        """Wait until what was taken so far has arrived. Tells whether it has."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._records.put(done)
        return done.wait(timeout_s)

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._records.put(None)
            self._thread.join(_PUT_TIMEOUT_S)

    def _run(self) -> None:
        # Here, because it takes a moment and the system's start does not wait for the first run.
        import boto3
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
        )

        client = boto3.client(
            "cloudwatch",
            endpoint_url=self._endpoint_url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
        )
        while (record := self._records.get()) is not None:
            if isinstance(record, threading.Event):
                record.set()
                continue
            for namespace, data in metric_data(record):
                try:
                    client.put_metric_data(Namespace=namespace, MetricData=data[:_BATCH])
                except (BotoCoreError, ClientError):
                    continue  # moto is going down, or the record is not EMF: nobody is owed it


def metric_data(record: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give what an EMF record means: a namespace and the data of `PutMetricData`, per directive."""
    timestamp = record["_aws"].get("Timestamp", 0) / 1000
    for directive in record["_aws"].get("CloudWatchMetrics", []):
        data: list[dict[str, Any]] = []
        for names in directive.get("Dimensions", [[]]):
            dimensions = [{"Name": name, "Value": str(record.get(name, ""))} for name in names]
            for metric in directive.get("Metrics", []):
                values = record.get(metric["Name"])
                if values is None:
                    continue
                data.append(
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": dimensions,
                        "Timestamp": timestamp,
                        "Unit": metric.get("Unit", "None"),
                        "Values": values if isinstance(values, list) else [values],
                    }
                )
        yield directive["Namespace"], data
