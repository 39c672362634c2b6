"""Signed calls to the tools' URL, received by a server that checks the signature for itself."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.signing import UrlSigner
from sidestream.chat.tools.wire import ToolServerError
from sidestream.config import SettingsError
from sidestream.signing_key import tool_key

URL = "https://abcdefghijklmnop.lambda-url.eu-central-1.on.aws/mcp"
SECRET = "w" * 40
RESULT = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "{}"}]}}


@pytest.fixture
def seen() -> list[httpx2.Request]:
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    seen: list[httpx2.Request], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[McpClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=RESULT)

    client = McpClient(URL, tool_key("t" * 32), auth=UrlSigner(URL))
    await client._http.aclose()
    client._http = httpx2.AsyncClient(
        transport=httpx2.MockTransport(answer), auth=UrlSigner(URL), timeout=5
    )
    yield client
    await client.close()


async def call(client: McpClient) -> None:
    arguments = {"title": "دودھ"}
    await client.call("add_ticket", arguments, user_id="alice", key="k", request_id="r")


def expected_signature(request: httpx2.Request) -> str:
    """The signature as the receiver computes it, from AWS's description of the steps."""
    _, _, fields = request.headers["authorization"].partition(" ")
    parts = dict(field.strip().split("=", 1) for field in fields.split(","))
    scope = parts["Credential"].partition("/")[2]
    date, region, service, terminator = scope.split("/")
    assert (region, service, terminator) == ("eu-central-1", "lambda", "aws4_request")
    signed = parts["SignedHeaders"].split(";")
    lines = [f"{name}:{request.headers[name].strip()}" for name in signed]
    canonical = "\n".join(
        [
            *("POST", "/mcp", ""),
            *(*lines, ""),
            *(parts["SignedHeaders"], hashlib.sha256(request.content).hexdigest()),
        ]
    )
    text = "\n".join(
        [
            *("AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope),
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, service, terminator):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


async def test_the_signature_is_the_one_that_aws_computes(
    client: McpClient, seen: list[httpx2.Request]
) -> None:
    await call(client)
    [request] = seen
    header = request.headers["authorization"]
    assert header.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert header.endswith(f"Signature={expected_signature(request)}")
    assert request.headers["x-amz-security-token"] == "session-token"
    assert "x-sidestream-authorization" in header
    assert "x-amz-security-token" in header


async def test_the_users_token_travels_in_its_own_header(
    client: McpClient, seen: list[httpx2.Request]
) -> None:
    await call(client)
    assert seen[0].headers["x-sidestream-authorization"].startswith("Bearer ey")
    assert json.loads(seen[0].content)["params"]["arguments"] == {"title": "دودھ"}


async def test_without_credentials_it_is_a_failed_tool_call(
    client: McpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    client._http.auth = UrlSigner(URL)
    with pytest.raises(ToolServerError):
        await call(client)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8702/mcp", "https://tools.example.com/mcp"])
def test_only_a_function_url_can_be_signed_for(url: str) -> None:
    with pytest.raises(SettingsError, match="TOOLS_MCP_URL"):
        UrlSigner(url)
