"""The events of `tests/events`: one at least for each route, read as the runtime reads Lambda's."""

import json
import re
from pathlib import Path

import pytest

from sidestream.streaming.events import http_request
from tests.deployment.conftest import ROOT
from tests.deployment.test_agreement import FUNCTIONS, routes

EVENTS = sorted((ROOT / "tests/events").glob("*.json"))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stem)
def test_an_event_is_one_that_the_runtime_knows(event: Path) -> None:
    request = http_request(json.loads(event.read_text()))
    assert request is not None
    assert request.scope["type"] == "http"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_route_has_an_event(function: str) -> None:
    there = set()
    for path in EVENTS:
        request = http_request(json.loads(path.read_text()))
        assert request is not None
        there.add((request.scope["method"], request.scope["path"]))
    for method, route in routes(function):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route))
        assert any(m == method and re.fullmatch(pattern, p) for m, p in there), (method, route)
