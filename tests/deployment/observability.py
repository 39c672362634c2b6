"""What the dashboard, the alarms and the saved queries name, read from the template."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.deployment.conftest import Document, of_type

PLACEHOLDERS = {"TtftTargetMs": "500", "ChatMemoryMb": "1769", "GbSecond": "0.00001"}


def dashboard(resources: Document) -> Document:
    """The dashboard's body with a stand-in for each value that AWS fills in."""
    text, _values = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    filled = re.sub(r"\$\{([\w:.]+)\}", lambda m: PLACEHOLDERS.get(m[1], "0"), text)
    body: Document = json.loads(filled)
    return body


def widgets(resources: Document, kind: str) -> list[Document]:
    """The properties of the dashboard's widgets of a kind."""
    return [w["properties"] for w in dashboard(resources)["widgets"] if w["type"] == kind]


def metrics(resources: Document) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each metric that an alarm or the dashboard reads: namespace, name, sorted dimension names."""
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        read = [
            each["MetricStat"]["Metric"]
            for each in alarm.get("Metrics", [])
            if "MetricStat" in each
        ]
        for metric in read or [alarm]:
            names = sorted(dimension["Name"] for dimension in metric["Dimensions"])
            yield metric["Namespace"], metric["MetricName"], tuple(names)
    for widget in widgets(resources, "metric"):
        previous: list[Any] = []
        for row in widget["metrics"]:
            if isinstance(row[0], dict):
                yield from _searched(row[0]["expression"])
                continue
            path = [part for part in row if not isinstance(part, dict)]
            previous = path = previous if path == ["..."] else path
            yield path[0], path[1], tuple(sorted(path[2::2]))


def queries(resources: Document) -> Iterator[tuple[str, str]]:
    """Each Logs Insights query by its name: the saved ones and the dashboard's."""
    for query in of_type(resources, "AWS::Logs::QueryDefinition").values():
        text = query["QueryString"]
        name = query["Name"]["Fn::Sub"].partition("/")[2]
        yield name, text["Fn::Sub"] if isinstance(text, dict) else text
    for widget in widgets(resources, "log"):
        yield widget["title"], widget["query"]


def _searched(expression: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for schema, name in re.findall(r"SEARCH\('\{([\w,/]+)\} MetricName=\"(\w+)\"", expression):
        namespace, *dimensions = schema.split(",")
        yield namespace, name, tuple(sorted(dimensions))
