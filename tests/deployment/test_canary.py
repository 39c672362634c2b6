"""The canary's script, taken from the template and run against the running system."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import boto3
import httpx2
import pytest
import pytest_asyncio
from moto import mock_aws

from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from tests.deployment.conftest import Document
from tests.fronts import cloudfront

type Handler = Callable[[dict[str, Any], None], None]


@pytest_asyncio.fixture(loop_scope="session")
async def client(system: LocalSystem) -> AsyncIterator[httpx2.AsyncClient]:
    bearer = {"Authorization": f"Bearer {system.token('canary')}"}
    async with httpx2.AsyncClient(base_url=system.chat.url, headers=bearer) as client:
        yield client


@pytest.fixture
def canary(
    resources: Document, system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Handler]:
    """The handler, with its environment as the template sets it."""
    properties = resources["FirstTokenCanary"]["Properties"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        key = LocalKeys.of(system.options.folder).session_signing_key
        secret = boto3.client("secretsmanager").create_secret(
            Name="session", SecretString=f"{key}\n"
        )
        values = {
            "CHAT_URL": f"{system.chat.url}/",
            "SESSION_SIGNING_KEY_SECRET_ARN": secret["ARN"],
            "STAGE": "test",
        }
        assert set(values) == set(properties["RunConfig"]["EnvironmentVariables"])
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        module: dict[str, Any] = {}
        exec(compile(properties["Code"]["Script"], "first_token.py", "exec"), module)  # noqa: S102
        yield module[properties["Code"]["Handler"].rpartition(".")[2]]


async def test_it_times_the_first_word_and_leaves_nothing_behind(
    canary: Handler, client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(canary, {}, None)

    [record] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [directive] = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Sidestream"
    assert directive["Dimensions"] == [["service", "stage"]]
    assert directive["Metrics"] == [{"Name": "CanaryTimeToFirstToken", "Unit": "Milliseconds"}]
    assert (record["service"], record["stage"]) == ("canary", "test")
    assert record["CanaryTimeToFirstToken"] > 0

    request = {"type": "threads.list", "params": {"limit": 10, "order": "desc"}}
    assert (await client.post("/api/chatkit", json=request)).json()["data"] == []


async def test_it_passes_through_a_front_that_signs(
    canary: Handler, system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cloudfront(system.chat.url, silence_s=60) as url:
        monkeypatch.setenv("CHAT_URL", url)
        await asyncio.to_thread(canary, {}, None)


async def test_it_fails_when_no_word_comes(canary: Handler, system: LocalSystem) -> None:
    system.model.fail_next(401)

    with pytest.raises(RuntimeError, match="no word came"):
        await asyncio.to_thread(canary, {}, None)
