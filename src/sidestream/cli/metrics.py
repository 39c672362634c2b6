"""Time to first token as CloudWatch has it: the same figures, by stage, over a window of time.

A stand-in for CloudWatch that knows no percentiles is read second by second instead, where there
is rarely more than one run.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sidestream.cli.errors import CommandError
from sidestream.cli.first_token import percentile

NAMESPACE: Final = "Sidestream"
_PARTS: Final = 12
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400  # the longest period that CloudWatch takes
_UNITS_S: Final = {"m": _MINUTE_S, "h": 3600, "d": _DAY_S}
_MAX_WINDOW_S: Final = 14 * _DAY_S  # older figures have lost their minutes
_RANKS: Final = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of the window, or all of it. Percentiles in ms, None where CloudWatch gives none."""

    start: datetime
    count: int
    on_time: int
    cold_starts: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None

    @property
    def share(self) -> float:
        """The share of runs whose first token came in time, by the function's own target."""
        return self.on_time / self.count


@dataclass(frozen=True, slots=True)
class _Window:
    start: datetime
    length_s: int
    period_s: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.length_s)

    def part(self, moment: datetime) -> int:
        return max(0, int((moment - self.start).total_seconds())) // self.period_s


def window_s(text: str) -> int:
    """Read a window such as `90m`, `1h` or `7d`; minutes without a unit. Raises `CommandError`."""
    match = re.fullmatch(r"(\d{1,6})([mhd]?)", text.strip())
    seconds = int(match[1]) * _UNITS_S[match[2] or "m"] if match else 0
    if not 0 < seconds <= _MAX_WINDOW_S:
        raise CommandError("A window is a number of minutes, hours or days up to 14d: 30m, 1h, 7d.")
    return seconds


def read(
    stage: str, length_s: int, region: str | None, endpoint_url: str | None
) -> tuple[Bucket, list[Bucket]] | None:
    """Read a window up to now: all of it, and the dozen parts of it in which there were runs.

    Gives None when there were none. Raises `CommandError`.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    credentials: dict[str, str] = {}
    if endpoint_url:  # the local system's own, which takes any
        credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    period_s = _MINUTE_S * math.ceil(length_s / _MINUTE_S / _PARTS)
    length_s = period_s * math.ceil(length_s / period_s)
    end = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(seconds=_MINUTE_S)
    window = _Window(end - timedelta(seconds=length_s), length_s, period_s)
    try:
        client = boto3.client(
            "cloudwatch", region_name=region, endpoint_url=endpoint_url, **credentials
        )
        return _Reader(client, stage).read(window)
    except (BotoCoreError, ClientError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        raise CommandError(f"CloudWatch cannot be read: {code or type(error).__name__}.") from error


class _Reader:
    def __init__(self, client: Any, stage: str) -> None:
        self._client = client
        self._dimensions = [
            {"Name": "service", "Value": "chat"},
            {"Name": "stage", "Value": stage},
        ]

    def read(self, window: _Window) -> tuple[Bucket, list[Bucket]] | None:
        counts, on_time, cold = (
            self._by_part(metric, statistic, window)
            for metric, statistic in (
                ("TTFTWithinTarget", "SampleCount"),
                ("TTFTWithinTarget", "Sum"),
                ("ColdStart", "Sum"),
            )
        )
        parts = sorted(part for part, count in counts.items() if count)
        if not parts:
            return None
        whole, by_part = self._percentiles(window)

        def bucket(start: datetime, among: Sequence[int], times: Sequence[float | None]) -> Bucket:
            sums = [int(sum(values.get(p, 0) for p in among)) for values in (counts, on_time, cold)]
            return Bucket(start, *sums, *times)

        none = (None, None, None)
        rows = [
            bucket(
                window.start + timedelta(seconds=part * window.period_s),
                [part],
                by_part.get(part, none),
            )
            for part in parts
        ]
        return bucket(window.start, parts, whole), rows

    def _by_part(self, metric: str, statistic: str, window: _Window) -> dict[int, float]:
        found = self._ask(metric, window.start, window.end, window.period_s, [statistic])
        sums: dict[int, float] = {}
        for point in found:
            part = window.part(point["Timestamp"])
            sums[part] = sums.get(part, 0) + point[statistic]
        return sums

    def _percentiles(
        self, window: _Window
    ) -> tuple[Sequence[float | None], dict[int, Sequence[float | None]]]:
        """The percentiles of the whole window and of each part."""
        points = self._ask_percentiles(window, window.period_s)
        if any("ExtendedStatistics" not in point for point in points):
            values = list(self._values(window))
            return _ranked([value for _, value in values]), {
                part: _ranked([value for place, value in values if place == part])
                for part in {place for place, _ in values}
            }
        whole = self._ask_percentiles(window, window.length_s) if window.length_s <= _DAY_S else []
        # CloudWatch may cut a period elsewhere than we do; two halves give no percentile.
        return (
            _given(whole[0]) if len(whole) == 1 else (None, None, None),
            {window.part(point["Timestamp"]): _given(point) for point in points},
        )

    def _values(self, window: _Window) -> Iterator[tuple[int, float]]:
        """Every value with its part, from the seconds of those minutes that have any."""
        metric, minute = "TimeToFirstToken", timedelta(seconds=_MINUTE_S)
        busy = self._ask(metric, window.start, window.end, _MINUTE_S, ["SampleCount"])
        starts = {point["Timestamp"].replace(second=0, microsecond=0) for point in busy}
        statistics = ["SampleCount", "Sum", "Minimum", "Maximum"]
        for start in sorted(starts):
            for second in self._ask(metric, start, start + minute, 1, statistics):
                part = window.part(start)
                yield from ((part, value) for value in _apart(second))

    def _ask(
        self, metric: str, start: datetime, end: datetime, period_s: int, statistics: list[str]
    ) -> list[dict[str, Any]]:
        """Give each period's `Timestamp` and statistics by name."""
        # Not GetMetricStatistics: the local stand-in would add up every set of dimensions in it.
        what = {
            "Namespace": NAMESPACE,
            "MetricName": metric,
            "Dimensions": self._dimensions,
        }
        answer = self._client.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": statistic.lower(),
                    "MetricStat": {"Metric": what, "Period": period_s, "Stat": statistic},
                }
                for statistic in statistics
            ],
            StartTime=start,
            EndTime=end,
        )
        points: dict[datetime, dict[str, Any]] = {}
        for statistic, result in zip(statistics, answer["MetricDataResults"], strict=True):
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                points.setdefault(moment, {"Timestamp": moment})[statistic] = value
        return list(points.values())

    def _ask_percentiles(self, window: _Window, period_s: int) -> list[dict[str, Any]]:
        """Give each period's `Timestamp`, and its `ExtendedStatistics` where they are known."""
        answer = self._client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="TimeToFirstToken",
            Dimensions=self._dimensions,
            StartTime=window.start,
            EndTime=window.end,
            Period=period_s,
            ExtendedStatistics=[f"p{rank}" for rank in _RANKS],
        )
        points: list[dict[str, Any]] = answer["Datapoints"]
        return points


def _given(point: dict[str, Any]) -> Sequence[float | None]:
    return [point["ExtendedStatistics"].get(f"p{rank}") for rank in _RANKS]


def _ranked(values: list[float]) -> Sequence[float | None]:
    return [percentile(sorted(values), rank) for rank in _RANKS]


def _apart(second: dict[str, Any]) -> list[float]:
    """The values of one second: exact for up to three, and between the ends an average of more."""
    count, total = int(second["SampleCount"]), second["Sum"]
    low, high = second["Minimum"], second["Maximum"]
    if count == 1:
        return [total]
    between = count - 2
    return [low, *([(total - low - high) / between] * between if between else []), high]
