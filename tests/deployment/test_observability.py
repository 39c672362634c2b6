"""Dashboard, alarms and saved queries read what the running system writes, by its real names."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import boto3
import httpx2
import pytest
import pytest_asyncio

from sidestream.local.emulator.variables import REGION
from sidestream.local.system import LocalSystem
from tests.deployment import observability
from tests.deployment.conftest import Document, of_type

# What AWS itself measures, from the Lambda Developer Guide ("Types of metrics for Lambda
# functions", "Monitoring Lambda function URLs") and the Synthetics metrics page of the CloudWatch
# User Guide.
AWS_METRICS = {
    ("AWS/Lambda", name)
    for name in (
        *("Errors", "Throttles", "Duration", "Invocations", "ConcurrentExecutions"),
        "Url5xxCount",
    )
} | {("CloudWatchSynthetics", "SuccessPercent")}

# Words of the query language, and the fields that Lambda's own JSON lines have.
INSIGHTS_WORDS = {
    *("fields", "filter", "sort", "limit", "stats", "count", "sum", "pct", "max", "bin", "by"),
    *("as", "and", "or", "in", "like", "asc", "desc", "source"),
}
AWS_FIELDS = {
    *("type", "record", "metrics", "initDurationMs", "restoreDurationMs", "maxMemoryUsedMB"),
    *("log", "timestamp"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def used_system(system: LocalSystem) -> AsyncIterator[LocalSystem]:
    """The system after a good run, a failed tool call, a failed run and a refused request."""
    bearer = {"Authorization": f"Bearer {system.token('observed')}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=bearer, timeout=60) as client:

        async def say(message: str) -> str:
            response = await client.post("/api/observed/chat", json={"message": message})
            assert response.status_code == 200, response.text
            return response.text

        assert '"type":"done"' in await say("add milk")
        assert '"type":"done"' in await say("hello")
        assert (await client.post("/api/somebody-else/chat", json={})).status_code == 403
    await system.tidy()
    system.metrics.flush()
    yield system


@pytest.fixture(scope="module")
def emitted(used_system: LocalSystem) -> set[tuple[str, str, tuple[str, ...]]]:
    """Each metric that reached CloudWatch: namespace, name, sorted dimension names."""
    client = boto3.client(
        "cloudwatch",
        endpoint_url=used_system.endpoints.aws,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    pages = client.get_paginator("list_metrics").paginate(Namespace="Sidestream")
    return {
        (
            metric["Namespace"],
            metric["MetricName"],
            tuple(sorted(dimension["Name"] for dimension in metric["Dimensions"])),
        )
        for page in pages
        for metric in page["Metrics"]
    }


def test_alarms_and_dashboard_name_only_metrics_that_were_emitted(
    resources: Document, emitted: set[tuple[str, str, tuple[str, ...]]]
) -> None:
    canary = {("Sidestream", "CanaryTimeToFirstToken", ("service", "stage"))}  # see test_canary.py
    for metric in observability.metrics(resources):
        if metric[0] == "Sidestream":
            assert metric in emitted | canary
        else:
            assert metric[:2] in AWS_METRICS


def test_every_emitted_metric_is_watched(
    resources: Document, emitted: set[tuple[str, str, tuple[str, ...]]]
) -> None:
    watched = {name for _namespace, name, _dimensions in observability.metrics(resources)}
    assert {name for _namespace, name, _dimensions in emitted} <= watched


def test_the_widgets_cover_the_width_without_overlap(resources: Document) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in observability.dashboard(resources)["widgets"]:
        cells = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(widget["height"])
        }
        assert not cells & taken
        taken |= cells
    assert max(x for x, _y in taken) == 23


def test_the_dashboard_answers_four_questions(resources: Document) -> None:
    texts = [widget["markdown"] for widget in observability.widgets(resources, "text")]
    assert texts == [
        *("## Is it fast?", "## Is it healthy?", "## Who is hurt?", "## What does it cost?"),
    ]


def test_the_dashboard_shows_every_alarm_that_always_exists(
    template: Document, resources: Document
) -> None:
    text = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    shown = set(re.findall(r"\$\{(\w+)\.Arn\}", text))
    always = {
        name
        for name in of_type(resources, "AWS::CloudWatch::Alarm")
        if "Condition" not in template["Resources"][name]
    }
    assert shown == always


def test_queries_use_only_fields_that_log_lines_have(
    resources: Document, used_system: LocalSystem
) -> None:
    known = {field for line in _lines(used_system) for field in line}
    rare = {"code", "error", "error_type"}  # on lines of failures, which have tests of their own
    for name, query in observability.queries(resources):
        bare = re.sub(r"'[^']*'|\"[^\"]*\"|\$\{\w+\}", "", query)
        made_here = set(re.findall(r"\bas (\w+)", bare))
        words = set(re.findall(r"(?<!\w)[A-Za-z_]\w*", bare))
        fields = {word for word in words if word.lower() not in INSIGHTS_WORDS}
        assert fields - made_here - AWS_FIELDS - rare <= known, name


def test_no_log_line_holds_what_a_person_wrote(used_system: LocalSystem) -> None:
    for line in _lines(used_system):
        assert "milk" not in json.dumps(line).lower()


def _lines(system: LocalSystem) -> list[dict[str, Any]]:
    found = []
    for name in ("chat", "tasks"):
        for line in (
            (system.options.folder / "logs" / f"{name}.log").read_text().rstrip("\n").split("\n")
        ):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return [line for line in found if isinstance(line, dict)]
