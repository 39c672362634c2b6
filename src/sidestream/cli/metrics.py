"""Time to first token as CloudWatch has it: the same figures, by stage, over a window of time."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sidestream.cli.errors import CommandError

_ROWS: Final = 12
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of the window. Percentiles in ms, None where CloudWatch gives none."""

    start: datetime
    count: int
    on_time: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None


def read(
    stage: str, window_minutes: int, region: str | None, endpoint_url: str | None
) -> list[Bucket]:
    """Read a window up to now, in at most a dozen parts. Raises `CommandError`."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    credentials: dict[str, str] = {}
    if endpoint_url:  # the local system's own, which takes any
        credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    period_s = _MINUTE_S * math.ceil(window_minutes / _ROWS)
    try:
        client = boto3.client(
            "cloudwatch", region_name=region, endpoint_url=endpoint_url, **credentials
        )
        counts = _series(
            client,
            period_s,
            _query("count", "TTFTWithinTarget", "SampleCount", stage, period_s),
            _query("on_time", "TTFTWithinTarget", "Sum", stage, period_s),
        )
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"CloudWatch cannot be read: {type(error).__name__}.") from error
    ranks = [_query(p, "TimeToFirstToken", p, stage, period_s) for p in ("p50", "p90", "p99")]
    try:
        times = _series(client, period_s, *ranks)
    except ClientError:  # the local stand-in for CloudWatch knows no percentiles
        times = {"p50": {}, "p90": {}, "p99": {}}
    return [
        Bucket(
            start,
            int(count),
            int(counts["on_time"].get(start, 0)),
            times["p50"].get(start),
            times["p90"].get(start),
            times["p99"].get(start),
        )
        for start, count in sorted(counts["count"].items())
        if count
    ]


def _series(
    client: Any, period_s: int, *queries: dict[str, Any]
) -> dict[str, dict[datetime, float]]:
    """The values of each query by the start of their part of the window."""
    end = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    answer = client.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=end - timedelta(seconds=period_s * _ROWS),
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    return {
        result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }


def _query(name: str, metric: str, stat: str, stage: str, period_s: int) -> dict[str, Any]:
    dimensions = [{"Name": "service", "Value": "chat"}, {"Name": "stage", "Value": stage}]
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {"Namespace": "Sidestream", "MetricName": metric, "Dimensions": dimensions},
            "Period": period_s,
            "Stat": stat,
        },
    }
