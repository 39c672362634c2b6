"""Why something outside failed: the same words for whatever library noticed it."""

import asyncio
import logging
import socket
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
import httpx2
import openai
import pytest
from botocore.config import Config
from pydantic import HttpUrl

from sidestream.identity import Verifier
from sidestream.issuer import Issuer
from sidestream.reasons import Reason, of_error, of_status, report

OPERATIONS = Path(__file__).parent.parent / "docs" / "operations.md"


def through_httpx2(url: str) -> None:
    httpx2.get(url, timeout=0.5)


def through_urllib(url: str) -> None:
    urllib.request.urlopen(url, timeout=0.5).read()  # noqa: S310


def through_openai(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key="k", max_retries=0, timeout=0.5)
    client.models.list()


def through_boto3(url: str) -> None:
    options: dict[str, Any] = {
        "region_name": "us-east-1",
        "aws_access_key_id": "k",
        "aws_secret_access_key": "k",
    }
    config = Config(connect_timeout=0.5, read_timeout=0.5, retries={"total_max_attempts": 1})
    boto3.client("s3", endpoint_url=url, config=config, **options).list_buckets()


LIBRARIES = [through_httpx2, through_urllib, through_openai, through_boto3]


@pytest.fixture
async def port(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """A port where somebody listens: who hangs up, who says nothing, who speaks no TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        if request.param == "silent":
            await done.wait()
        if request.param == "no TLS":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    done = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        done.set()


async def failure(ask: Callable[[str], None], url: str) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await asyncio.to_thread(ask, url)
    return caught.value


@pytest.mark.parametrize("ask", LIBRARIES)
class TestOfError:
    async def test_nobody_listens(self, ask: Callable[[str], None]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{probe.getsockname()[1]}"
            assert of_error(await failure(ask, url)) == Reason.REFUSED

    async def test_no_such_host(self, ask: Callable[[str], None]) -> None:
        assert of_error(await failure(ask, "http://nowhere.invalid")) == Reason.NAME

    @pytest.mark.parametrize("port", ["silent"], indirect=True)
    async def test_no_answer(self, ask: Callable[[str], None], port: int) -> None:
        assert of_error(await failure(ask, f"http://127.0.0.1:{port}")) == Reason.TIMED_OUT

    @pytest.mark.parametrize("port", ["hangs up"], indirect=True)
    async def test_a_lost_connection(self, ask: Callable[[str], None], port: int) -> None:
        assert of_error(await failure(ask, f"http://127.0.0.1:{port}")) == Reason.CUT

    @pytest.mark.parametrize("port", ["no TLS"], indirect=True)
    async def test_no_tls(self, ask: Callable[[str], None], port: int) -> None:
        assert of_error(await failure(ask, f"https://127.0.0.1:{port}")) == Reason.TLS


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.AUTHENTICATION),
        (402, Reason.FULL),
        (403, Reason.FORBIDDEN),
        (404, Reason.MISSING),
        (429, Reason.FULL),
        (500, Reason.BROKEN),
        (504, Reason.TIMED_OUT),
        (400, Reason.UNEXPECTED),
        (302, Reason.UNEXPECTED),
    ],
)
def test_of_status(status: int, reason: Reason) -> None:
    assert of_status(status) == reason


def test_the_log_line(caplog: pytest.LogCaptureFixture) -> None:
    report("tools", Reason.TLS)
    [record] = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "tools: TLS failed")
    assert {"part": "tools", "reason": "TLS failed"}.items() <= vars(record).items()


async def test_keys_that_cannot_be_fetched(caplog: pytest.LogCaptureFixture) -> None:
    url = "http://planted.invalid/jwks"
    issuer = Issuer(issuer="https://i", audience=("a",), jwks_url=HttpUrl(url))
    with caplog.at_level(logging.WARNING):
        await Verifier([issuer]).prefetch()
    assert "keys: host name not found" in caplog.text
    assert "planted" not in caplog.text


def test_each_reason_is_in_the_docs() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"| {reason} |" not in text] == []
