"""The functions' logs: JSON, one metric record for each run, and nothing of what people said."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest

from sidestream.local.keys import LocalKeys
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Answer, Client, Document, add_request, message, thread_request
from tests.tickets import DOMAIN, SHOW, open_all

SECRET: Final = "Xanadu"
_PLATFORM = ("REPORT ", "RequestId: ", "INIT_REPORT ", "START ", "END ")
_RUN_METRICS = {
    "DatabaseWait",
    "RunDuration",
    "ToolErrors",
    "ColdStart",
    "InputTokens",
    "OutputTokens",
    "TimeToFirstEvent",
    "TimeToFirstToken",
    "TTFTWithinTarget",
}


class _Log:
    """What the functions have printed since this was made."""

    def __init__(self, system: LocalSystem) -> None:
        self._files = [
            system.options.folder / "logs" / f"{name}.log" for name in ("chat", DOMAIN.name)
        ]
        self._starts = [len(self._read(file)) for file in self._files]

    @staticmethod
    def _read(file: Path) -> str:
        return file.read_text() if file.exists() else ""

    def text(self) -> str:
        pairs = zip(self._files, self._starts, strict=True)
        return "".join(self._read(file)[start:] for file, start in pairs)

    def _is_told(self, request_id: str) -> bool:
        lines = [line for line in self.text().split("\n") if request_id in line]
        # A tool's line has the id too, as its caller's.
        own = f'"request_id":"{request_id}"'
        return any(line.startswith("REPORT ") for line in lines) and any(
            '"message":"request"' in line and own in line for line in lines
        )

    async def until_reported(self, *answers: Answer) -> list[Document]:
        """The functions' own lines, once the platform has reported each of the requests, and the
        function too: its output comes by another way."""
        ids = [answer.headers["x-request-id"] for answer in answers]
        async with asyncio.timeout(20):
            while not all(self._is_told(request_id) for request_id in ids):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        lines = [
            line for line in self.text().split("\n") if line and not line.startswith(_PLATFORM)
        ]
        return [json.loads(line) for line in lines]


@pytest.fixture
def log(system: LocalSystem) -> _Log:
    return _Log(system)


def _metric_records(lines: list[Document], answer: Answer) -> list[Document]:
    return [line for line in lines if "_aws" in line and line.get("run_id") == answer.run_id]


async def test_each_run_is_one_metric_record(alice: Client, log: _Log) -> None:
    first = await alice.create(open_all("printer"))
    second = await alice.add(first.thread_id, SHOW)
    listed = await alice.send({"type": "threads.list", "params": {}})
    lines = await log.until_reported(first, second, listed)
    for answer in (first, second):
        [record] = _metric_records(lines, answer)
        [directive, *_] = record["_aws"]["CloudWatchMetrics"]
        assert {metric["Name"] for metric in directive["Metrics"]} >= _RUN_METRICS
        assert directive["Namespace"] == "Sidestream"
        assert record["request_id"] == answer.headers["x-request-id"]
        assert record["status"] == "completed"
        kept = {
            tuple(names): {metric["Name"] for metric in each["Metrics"]}
            for each in record["_aws"]["CloudWatchMetrics"]
            for names in each["Dimensions"]
        }
        assert kept["function", "version"] == {"RunErrors", "TTFTWithinTarget"}
        assert (record["function"], record["version"]) == ("ChatFunction", "$LATEST")
        values = {name: _value(record[name]) for name in _RUN_METRICS}
        assert 0 < values["TimeToFirstEvent"] <= values["TimeToFirstToken"]
        assert values["TimeToFirstToken"] <= values["RunDuration"]
        assert values["TTFTWithinTarget"] in {0, 1}
        assert values["DatabaseWait"] >= 0
        assert values["ToolErrors"] == 0
        assert values["OutputTokens"] > 0
    records = [line for line in lines if "_aws" in line and "message" not in line]
    assert len(records) == 2


async def test_each_request_is_counted(alice: Client, log: _Log) -> None:
    answer = await alice.create(open_all("printer"))
    refused = await alice.request("GET", "/nowhere")
    lines = await log.until_reported(answer, refused)
    counted = [line for line in lines if line.get("message") == "request"]
    assert {line["service"] for line in counted} == {"chat", "tools"}
    for line in counted:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["service", "stage"], ["function", "version"]]
        assert directive["Metrics"] == [{"Name": "ServerErrors", "Unit": "Count"}]
        assert (line["version"], line["ServerErrors"]) == ("$LATEST", 0)
        assert line["level"] == "INFO"


def _value(found: Any) -> float:
    return float(found[0] if isinstance(found, list) else found)


async def test_the_lines_of_a_run_are_its_own(alice: Client, log: _Log) -> None:
    """The threshold is INFO, as on AWS, where a library would tell of each request it sends."""
    lines = await log.until_reported(await alice.create(open_all("printer")))
    assert len(lines) >= 3
    assert [line for line in lines if line.get("service") not in ("chat", "tools")] == []


async def test_failures_are_counted(alice: Client, log: _Log, model: ScriptedModelServer) -> None:
    refused = await alice.create(open_all("x" * 201))
    model.cut_next(after_words=2)
    cut = await alice.create("Tell me a story of 9 words")
    lines = await log.until_reported(refused, cut)
    [record] = _metric_records(lines, refused)
    assert (_value(record["ToolErrors"]), record["status"]) == (1, "completed")
    [record] = _metric_records(lines, cut)
    assert (_value(record["RunErrors"]), record["status"]) == (1, "failed")


async def test_nothing_that_was_said_is_logged(
    alice: Client, log: _Log, model: ScriptedModelServer, system: LocalSystem
) -> None:
    begun = await alice.create(open_all(SECRET))
    thread_id = begun.thread_id
    answers = [begun]

    async def send(request: Document) -> Answer:
        answers.append(await alice.send(request, idempotency_key=f"key-{len(answers)}-{SECRET}"))
        return answers[-1]

    await send(add_request(thread_id, f"Rename {SECRET} to {SECRET} again"))
    await send(add_request(thread_id, f"Add a note to {SECRET}: {SECRET}"))
    await send(add_request(thread_id, f"Find {SECRET}", quoted_text=SECRET))
    await send(add_request(thread_id, open_all(SECRET + "x" * 200)))
    tag = {
        "type": "input_tag",
        "id": SECRET,
        "text": SECRET,
        "data": {SECRET: SECRET},
        "interactive": False,
    }
    params = {"thread_id": thread_id, "input": message("", content=[tag])}
    await send({"type": "threads.add_user_message", "params": params})
    await send(thread_request("threads.update", thread_id, title=SECRET))
    await send(thread_request("threads.get_by_id", SECRET))
    await send(thread_request("items.list", thread_id, after=SECRET))
    await send(
        {
            "type": "attachments.create",
            "params": {"name": f"{SECRET}.txt", "size": 3, "mime_type": "text/plain"},
        }
    )

    model.fail_next(400, times=1)
    await send(add_request(thread_id, f"Say {SECRET}"))
    model.fail_next(500, times=3)
    await send(add_request(thread_id, f"Say {SECRET}"))
    model.cut_next(after_words=1)
    await send(add_request(thread_id, f"Say {SECRET} {SECRET} {SECRET}"))
    model.content_filter_next(after_words=1)
    await send(add_request(thread_id, f"Say {SECRET} {SECRET} {SECRET}"))
    model.context_overflow_next()
    await send(add_request(thread_id, f"Say {SECRET}"))

    raw = f'{{"type": "threads.create", "params": {{"input": "{SECRET}'.encode()
    for body in (raw, raw + b'"}}', raw + b'\\u0000"}}', raw + b'\xff"}}', b'["%s"]' % raw[-6:]):
        answers.append(await alice.post(body))
        answers.append(await alice.post(body, path=f"/api/{alice.user_id}/chat"))
    answers.append(
        await alice.post({"message": f"Say {SECRET}"}, path=f"/api/{alice.user_id}/chat")
    )
    session = await alice.request("POST", "/api/chatkit/session")
    answers.append(session)
    answers.append(await alice.request("GET", f"/{SECRET}", params={"q": SECRET}))
    alice.http.headers["authorization"] = f"Bearer {SECRET}.{SECRET}.{SECRET}"
    answers.append(await alice.create("hello"))

    lines = await log.until_reported(*answers)
    assert len(lines) > len(answers)
    everything = log.text()
    assert SECRET not in everything
    keys = LocalKeys.of(system.options.folder)
    env = system.chat.spec.env
    secrets = {
        "a JWT": "eyJ",
        "the session": session.json()["client_secret"],
        "the session's key": keys.session_signing_key,
        "the tools' key": keys.tool_signing_key,
        "the model's key": env["OPENAI_API_KEY"],
        "the database": env["DATABASE_URL"],
    }
    assert [name for name, secret in secrets.items() if secret in everything] == []


async def test_lines_tell_what_happened(alice: Client, log: _Log) -> None:
    answer = await alice.create(open_all("printer"))
    lines = await log.until_reported(answer)
    own = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    logged = [line for line in own if "message" in line]
    assert logged
    for line in logged:
        assert line["timestamp"].endswith(("Z", "+00:00"))
        assert line["level"] in {"INFO", "WARNING", "ERROR"}
        assert isinstance(line["message"], str)
    [request] = [line for line in logged if line["message"] == "request"]
    assert (request["method"], request["route"]) == ("POST", "/api/chatkit")
    assert request["status"] == 200
    [run] = [line for line in logged if line["message"] == "run"]
    assert run["run_id"] == answer.run_id
    assert run["tool_calls"] == 1
    [call] = [line for line in lines if line.get("message") == "tool call"]
    assert call["service"] == "tools"
    assert call["caller_request_id"] == answer.headers["x-request-id"]
