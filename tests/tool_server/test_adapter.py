"""Captured events through the adapter, on a thread of its own as in Lambda's runtime."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from examples.tickets.app import create_app
from sidestream import config
from sidestream.config import Settings
from sidestream.signing_key import tool_key
from sidestream.store.ids import new_id
from sidestream.tool_server.adapter import LambdaAdapter, current
from tests.sign_in import SignIn
from tests.tool_server.people import TOOL_SECRET

HERE = Path(__file__).parent
EVENTS = (HERE / "events", HERE.parent / "events")
"""Those about tickets, and those that are about no domain."""


class Function:
    """A function that takes events, one at a time, always on the same thread."""

    def __init__(self, make_app: Callable[[], Starlette]) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.adapter = self._thread.submit(LambdaAdapter, make_app).result()

    def run(self, method: Any, *arguments: Any) -> Any:
        return self._thread.submit(method, *arguments).result()

    def invoke(self, event: Any, request_id: str = "request-1") -> Any:
        context = SimpleNamespace(aws_request_id=request_id)
        answer = self.run(self.adapter, event, context)
        json.dumps(answer)
        return answer

    def close(self) -> None:
        self.run(self.adapter.close)
        self._thread.shutdown()


@pytest.fixture(scope="module")
def application_name() -> str:
    return new_id("app")


@pytest.fixture(scope="module")
def function(settings: Settings, application_name: str) -> Iterator[Function]:
    url = f"{settings.database_url.get_secret_value()}?application_name={application_name}"
    named = settings.model_copy(update={"database_url": SecretStr(url)})
    running = Function(lambda: create_app(named))
    yield running
    running.close()


@pytest.fixture
def environment(
    settings: Settings, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("TOOL_SIGNING_KEY", TOOL_SECRET)
    monkeypatch.setenv("AUTH_ISSUERS", json.dumps([sign_in.issuer.model_dump(mode="json")]))
    config.refresh()
    yield monkeypatch
    config.refresh()


@pytest.fixture
def user_id() -> str:
    return new_id("user")


def event(name: str, user_id: str = "nobody", token: str = "") -> dict[str, Any]:
    """A captured event, with somebody's id and token in it."""
    [path, *_] = [path for each in EVENTS if (path := each / f"{name}.json").exists()]
    text = path.read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text.replace("USER", user_id).replace("TOKEN", token))
    return document


class TestFunctionUrlEvents:
    def test_healthz(self, function: Function) -> None:
        answer = function.invoke(event("healthz"))
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"]) == {"status": "ok"}
        assert answer["headers"]["x-request-id"] == "request-1"
        assert answer["isBase64Encoded"] is False

    def test_rest(self, function: Function, sign_in: SignIn, user_id: str) -> None:
        token = sign_in.token(user_id)
        added = function.invoke(event("tickets_add", user_id, token))
        assert added["statusCode"] == 201
        ticket = json.loads(added["body"])
        assert (ticket["subject"], ticket["priority"]) == ("پرنٹر نہیں چلتا", "high")
        listed = function.invoke(event("tickets_list", user_id, token))
        assert json.loads(listed["body"]) == {"data": [ticket], "has_more": False, "after": None}
        deletion = event("tickets_list", user_id, token)
        deletion["rawPath"] = f"/api/{user_id}/tickets/{ticket['id']}"
        deletion["requestContext"]["http"] |= {"method": "DELETE", "path": deletion["rawPath"]}
        deleted = function.invoke(deletion)
        assert (deleted["statusCode"], deleted["body"]) == (204, "")

    def test_a_problem_is_plain_text_json(self, function: Function, user_id: str) -> None:
        answer = function.invoke(event("tickets_list", user_id), "request-7")
        assert answer["statusCode"] == 401
        assert answer["headers"]["content-type"] == "application/problem+json"
        assert answer["isBase64Encoded"] is False
        assert json.loads(answer["body"])["request_id"] == "request-7"

    def test_mcp_of_both_eras_again_and_again(self, function: Function, user_id: str) -> None:
        token, _ = tool_key(TOOL_SECRET).mint(user_id)
        for _ in range(5):
            answer = function.invoke(event("mcp_tools_call", token=token))
            assert answer["statusCode"] == 200
            result = json.loads(answer["body"])["result"]
            assert result["structuredContent"] == {"data": [], "has_more": False, "after": None}
            answer = function.invoke(event("mcp_initialize", token=token))
            assert answer["statusCode"] == 200
            result = json.loads(answer["body"])["result"]
            assert result["protocolVersion"] == "2025-11-25"

    def test_a_get_of_the_older_era_ends_at_once(self, function: Function, user_id: str) -> None:
        token, _ = tool_key(TOOL_SECRET).mint(user_id)
        answer = function.invoke(event("mcp_get", token=token))
        assert answer["statusCode"] == 405
        assert answer["headers"]["allow"] == "POST"

    def test_a_binary_body_is_decoded(
        self, function: Function, sign_in: SignIn, user_id: str
    ) -> None:
        binary = event("tickets_add", user_id, sign_in.token(user_id))
        binary |= {"body": "//79", "isBase64Encoded": True}
        answer = function.invoke(binary)
        assert answer["statusCode"] == 400
        assert json.loads(answer["body"])["code"] == "bad_request"


SCHEDULE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-25T00:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/warmer"],
    "detail": {},
}
NO_HTTP: dict[str, Any] = {
    "schedule": SCHEDULE,
    "warmer": {"source": "serverless-plugin-warmup", "concurrency": 5},
    "empty": {},
    "the console's first test event": {"key1": "value1", "key2": "value2", "key3": "value3"},
    "notification": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "a secret"}}]},
    "queue": {"Records": [{"eventSource": "aws:sqs", "body": "a secret"}]},
    "object": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "a secret"}}}]},
    "no records": {"Records": []},
    "context without a request": {"requestContext": None, "version": "2.0"},
    "list": [SCHEDULE],
    "null": None,
    "text": "a secret",
    "number": 5,
}


class TestEventsThatAreNoHttp:
    @pytest.mark.parametrize("given", NO_HTTP.values(), ids=NO_HTTP)
    def test_are_acknowledged_and_told_in_one_line(
        self, function: Function, caplog: pytest.LogCaptureFixture, given: Any
    ) -> None:
        assert function.invoke(given) is None
        [record] = caplog.records
        assert record.levelname == "INFO"
        assert "a secret" not in str(vars(record))
        assert function.invoke(event("healthz"))["statusCode"] == 200

    def test_a_line_is_not_as_long_as_its_event(
        self, function: Function, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert function.invoke({f"{number}".ljust(1000, "x"): 1 for number in range(1000)}) is None
        [record] = caplog.records
        assert len(vars(record)["event"]) < 2000


class TestShortEvents:
    @pytest.mark.parametrize(
        "short", [{"rawPath": "/healthz"}, {"httpMethod": "GET", "path": "/healthz"}]
    )
    def test_one_written_by_hand_is_served(self, function: Function, short: dict[str, Any]) -> None:
        assert function.invoke(short)["statusCode"] == 200


class TestRestApiEvents:
    def test_are_served_too(self, function: Function, sign_in: SignIn, user_id: str) -> None:
        answer = function.invoke(event("tickets_list_rest_api", user_id, sign_in.token(user_id)))
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["data"] == []


class TestSnapshots:
    def test_a_snapshot_holds_no_connection_and_a_restored_copy_makes_its_own(
        self,
        function: Function,
        owner_url: str,
        application_name: str,
        sign_in: SignIn,
        user_id: str,
    ) -> None:
        def connections() -> int:
            with psycopg.connect(owner_url) as observer:
                row = observer.execute(
                    "select count(*) from pg_stat_activity where application_name = %s",
                    (application_name,),
                ).fetchone()
            assert row is not None
            return int(row[0])

        listing = event("tickets_list", user_id, sign_in.token(user_id))
        assert function.invoke(listing)["statusCode"] == 200
        assert connections() > 0
        function.run(function.adapter.before_snapshot)
        assert connections() == 0
        fetches = sign_in.fetches
        function.run(function.adapter.after_restore)
        assert connections() > 0
        assert sign_in.fetches == fetches + 1
        assert function.invoke(listing)["statusCode"] == 200

    def test_a_restored_copy_knows_what_was_rotated_meanwhile(
        self, environment: pytest.MonkeyPatch, sign_in: SignIn, user_id: str
    ) -> None:
        def call(secret: str) -> int:
            token, _ = tool_key(secret).mint(user_id)
            status: int = running.invoke(event("mcp_tools_call", token=token))["statusCode"]
            return status

        running = Function(current(create_app))
        try:
            assert (call(TOOL_SECRET), call("r" * 32)) == (200, 401)
            running.run(running.adapter.before_snapshot)
            environment.setenv("TOOL_SIGNING_KEY", "r" * 32)
            running.run(running.adapter.after_restore)
            assert (call(TOOL_SECRET), call("r" * 32)) == (401, 200)
            listing = event("tickets_list", user_id, sign_in.token(user_id))
            assert running.invoke(listing)["statusCode"] == 200

            running.run(running.adapter.before_snapshot)
            environment.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
            environment.setenv("DATABASE_TIMEOUT_S", "0.2")
            running.run(running.adapter.after_restore)
            assert running.invoke(listing)["statusCode"] == 503
        finally:
            running.close()
