"""docs/api.md against the running system: its routes are all the routes, its examples are true."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from sidestream.signing_key import tool_key
from sidestream.store.ids import new_id
from tests.deployment.conftest import ROOT
from tests.deployment.test_agreement import FUNCTIONS, routes

DOCUMENT = (ROOT / "docs/api.md").read_text()
EXAMPLE = re.compile(r"```http\n(.*?)```\s+```(json|sse|empty) (\d+)\n(.*?)```", re.S)


@dataclass(slots=True)
class Example:
    """A request and the answer that the document promises."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    kind: str
    status: int
    answer: str


@dataclass(slots=True)
class Values:
    """What the placeholders of the document stand for, filled in as answers come."""

    known: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return re.sub(r"\$([A-Z_]+)", lambda match: self.known[match[1]], text)

    def learn(self, response: httpx2.Response) -> None:
        headers = response.headers
        if thread := headers.get("x-sidestream-thread-id"):
            self.known |= {"THREAD": thread, "RUN": headers["x-sidestream-run-id"]}
        if response.content and headers.get("content-type") == "application/json":
            document = response.json()
            if secret := document.get("client_secret"):
                self.known["SESSION"] = secret
            if "title" in document:
                self.known["TASK"] = document["id"]


def examples() -> Iterator[Example]:
    for request, kind, status, answer in EXAMPLE.findall(DOCUMENT):
        head, _, body = request.partition("\n\n")
        first, *lines = head.strip().splitlines()
        method, path = first.split()
        headers = dict(line.split(": ", 1) for line in lines)
        yield Example(method, path, headers, body.strip(), kind, int(status), answer)


def shape(value: Any) -> Any:
    """What an example promises of a value: its kind, and for objects and lists what is inside."""
    match value:
        case dict():
            return {key: shape(inner) for key, inner in value.items()}
        case list():
            return [shape(value[0])] if value else []
        case bool() | None:
            return value
        case int() | float():
            return "number"
        case _:
            return "text"


def frames(text: str) -> list[tuple[str, Any]]:
    """The events of a stream: name and data."""
    found, name = [], ""
    for line in text.splitlines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((name, json.loads(line.removeprefix("data: "))))
            name = ""
    return found


def label(frame: tuple[str, Any]) -> tuple[str, Any]:
    return frame[0], frame[1].get("type")


def test_every_route_is_there_and_no_other() -> None:
    documented = set(re.findall(r"^### `(\w+) (\S+)`$", DOCUMENT, re.M))
    assert documented == set().union(*(routes(function) for function in FUNCTIONS))


def test_every_heading_has_an_example() -> None:
    for section in re.split(r"^### ", DOCUMENT, flags=re.M)[1:]:
        assert EXAMPLE.search(section) or section.startswith("`GET /healthz` of the tasks"), section


async def test_every_example_is_answered_as_it_says(system: LocalSystem) -> None:
    user = new_id("user")
    tool_secret = LocalKeys.of(system.options.folder).tool_signing_key
    values = Values(
        {
            "USER": user,
            "TOKEN": system.token(user),
            "TOOL_TOKEN": tool_key(tool_secret).mint(user)[0],
        }
    )
    async with httpx2.AsyncClient(timeout=60) as client:
        for example in examples():
            path = values.fill(example.path)
            to_tasks = path == "/mcp" or re.match(r"/api/[^/]+/tasks", path)
            base_url = system.tools.url if to_tasks else system.chat.url
            headers = {name: values.fill(value) for name, value in example.headers.items()}
            if example.body:
                headers["Content-Type"] = "application/json"
            response = await client.request(
                example.method, base_url + path, headers=headers, content=values.fill(example.body)
            )
            said = f"{example.method} {example.path}: {response.text[:2000]}"
            assert response.status_code == example.status, said
            if example.kind == "empty":
                assert response.content == b"", said
            elif example.kind == "json":
                assert shape(response.json()) == shape(json.loads(example.answer)), said
            else:
                _compare_streams(example, response.text)
            values.learn(response)


def _compare_streams(example: Example, text: str) -> None:
    """The documented events come in this order, among others, with at least these fields."""
    actual = iter(frames(text))
    for wanted in frames(example.answer):
        for frame in actual:
            if label(frame) == label(wanted) and set(wanted[1]) <= set(frame[1]):
                break
        else:
            raise AssertionError(f"{example.method} {example.path} sent no {wanted}: {text[:3000]}")
    if "id: " in example.answer:
        assert "id: " in text
