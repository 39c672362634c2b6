"""The MCP client: one `tools/call` POST per tool call, on one kept-alive connection pool.

It speaks revision 2026-07-28 of the protocol, which has no handshake: each POST carries its
protocol version and the client's capabilities in `_meta`, and repeats method and name in headers
(modelcontextprotocol.io, specification 2026-07-28, "Streamable HTTP"). So a call is one round trip
and nothing is fetched before the first token.
"""

import asyncio
import itertools
import json
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx2

from sidestream import reasons
from sidestream.chat.tls import tls_context
from sidestream.identity import SigningKey
from sidestream.network import async_client
from sidestream.reasons import Reason

PROTOCOL_VERSION: Final = "2026-07-28"
IDEMPOTENCY_META_KEY: Final = "sidestream/idempotency-key"
OUTCOME_META_KEY: Final = "sidestream/outcome"

_RETRY_STATUSES: Final = frozenset({429, 502, 503, 504})
_ATTEMPTS: Final = 3
_BACKOFF_S: Final = 0.2


class ToolServerError(Exception):
    """The tool server could not be reached, or did not answer as MCP says it should."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool call gave: its text, and whether the tool says that it failed."""

    text: str
    failed: bool
    content: Any = None
    """The structured content (a JSON value), or what the text says where a server gives none."""
    resent: bool = False
    """Whether it was sent more than once: an earlier sending may have had its effect."""
    uncertain: bool = False
    """Whether the tool cannot tell if it had its effect."""


class McpClient:
    """Calls tools on behalf of one user at a time, with a fresh short-lived token for each call."""

    def __init__(
        self,
        url: str,
        key: SigningKey,
        *,
        timeout_s: float = 20.0,
        auth: httpx2.Auth | None = None,
    ) -> None:
        self._url = url
        self._key = key
        self._ids = itertools.count(1)
        self._http = async_client(
            url,
            timeout=httpx2.Timeout(timeout_s, connect=5.0),
            verify=tls_context(),
            auth=auth,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self, name: str, arguments: dict[str, Any], *, user_id: str, key: str, request_id: str
    ) -> ToolResult:
        """Call a tool as a user.

        `key` makes a repeated call safe: the server does the work once for each key. Raises
        `ToolServerError` once the retries are used up.
        """
        payload = {
            "jsonrpc": "2.0",
            "id": next(self._ids),
            "method": "tools/call",
            "params": {
                "name": name,
                "arguments": arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": PROTOCOL_VERSION,
                    "io.modelcontextprotocol/clientCapabilities": {},
                    IDEMPOTENCY_META_KEY: key,
                },
            },
        }
        headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": PROTOCOL_VERSION,
            "mcp-method": "tools/call",
            "mcp-name": name,
            "x-request-id": request_id,
        }
        body = json.dumps(payload, ensure_ascii=False).encode()
        secret = self._key.secret.text
        response, attempt = await self._post(body, self._signed(headers, user_id, secret))
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            for other in await self._key.secret.others((secret,)):
                response, attempt = await self._post(body, self._signed(headers, user_id, other))
                if response.status_code != httpx2.codes.UNAUTHORIZED:
                    break
        return replace(_read(response), resent=attempt > 1)

    def _signed(self, headers: dict[str, str], user_id: str, secret: str) -> dict[str, str]:
        token, _expiry = self._key.mint(user_id, secret=secret)
        return {**headers, "authorization": f"Bearer {token}"}

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[httpx2.Response, int]:
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                response = await self._http.post(self._url, content=body, headers=headers)
            except httpx2.HTTPError as error:
                if last:
                    raise ToolServerError(reasons.of_error(error)) from error
            else:
                if last or response.status_code not in _RETRY_STATUSES:
                    return response, attempt
            await asyncio.sleep(_BACKOFF_S * attempt)
        raise AssertionError("unreachable")


def _read(response: httpx2.Response) -> ToolResult:
    if response.status_code != httpx2.codes.OK:
        raise ToolServerError(reasons.of_status(response.status_code))
    try:
        document = response.json()
        if error := document.get("error"):
            return ToolResult(str(error["message"]), True, str(error["message"]))
        result = document["result"]
        parts = [part["text"] for part in result["content"] if part.get("type") == "text"]
        text, failed = "\n".join(parts), bool(result.get("isError"))
        content = result.get("structuredContent")
        return ToolResult(
            text,
            failed,
            text if failed or content is None else content,
            uncertain=(result.get("_meta") or {}).get(OUTCOME_META_KEY) == "unknown",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolServerError(Reason.UNEXPECTED) from error
