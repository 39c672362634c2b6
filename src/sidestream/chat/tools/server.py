"""The MCP client: one `tools/call` POST per tool call, on one kept-alive connection pool.

It speaks revision 2026-07-28 of the protocol, which has no handshake: each POST carries its
protocol version and the client's capabilities in `_meta`, and repeats method and name in headers
(modelcontextprotocol.io, specification 2026-07-28, "Streamable HTTP"). So a call is one round trip
and nothing is fetched before the first token. Servers that know only earlier revisions are met by
`handshake`.
"""

import asyncio
import itertools
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx2

from sidestream import reasons
from sidestream.chat.context import InputRequired
from sidestream.chat.tools import wire
from sidestream.chat.tools.elicitation import CAPABILITIES, Answers
from sidestream.chat.tools.wire import Reply, ToolServerError
from sidestream.network import async_client
from sidestream.reasons import Reason
from sidestream.signing_key import SigningKey
from sidestream.tls import tls_context

PROTOCOL_VERSION: Final = "2026-07-28"
IDEMPOTENCY_META_KEY: Final = "sidestream/idempotency-key"
OUTCOME_META_KEY: Final = "sidestream/outcome"
TIME_ZONE_META_KEY: Final = "sidestream/time-zone"

# The protocol's own errors about a request come with 400 ("Streamable HTTP", error handling).
_ANSWERS: Final = frozenset({200, 400})
_RETRY_STATUSES: Final = frozenset({429, 502, 503, 504})
_ATTEMPTS: Final = 3
_BACKOFF_S: Final = 0.2
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


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
    refused: bool = False
    """Whether the server refused the request itself, with an error of the protocol."""
    needs: InputRequired | None = None
    """What the server wants of the person first; then there is no result yet."""


class McpClient:
    """Calls tools on behalf of one user at a time.

    With a `key`, each request has a fresh short-lived token that says who the user is. `once` says
    that the server does a call once for each idempotency key, so that one whose answer was lost
    may be sent again. `timeout_s` is how long the server may be silent, and half of what an
    answer may take; `max_bytes` is how long it may be.
    """

    def __init__(
        self,
        url: str,
        key: SigningKey | None,
        *,
        timeout_s: float = 20.0,
        auth: httpx2.Auth | None = None,
        once: bool = True,
        max_bytes: int = wire.MAX_BYTES,
    ) -> None:
        self._url = url
        self._key = key
        self._timeout_s = timeout_s
        self._once = once
        self._max_bytes = max_bytes
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
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        user_id: str,
        key: str,
        request_id: str,
        answers: Answers | None = None,
        time_zone: ZoneInfo | None = None,
    ) -> ToolResult:
        """Call a tool as a user, or repeat a call with what its server wanted to know.

        `key` makes a repeated call safe: the server does the work once for each key. `time_zone` is
        the person's, for a server that may know it. Raises `ToolServerError` once the retries are
        used up.
        """
        meta = {IDEMPOTENCY_META_KEY: key}
        if time_zone is not None:
            meta[TIME_ZONE_META_KEY] = time_zone.key
        params = {"name": name, "arguments": arguments, "_meta": meta}
        params |= answers.params() if answers else {}
        headers = {"mcp-name": name, "x-request-id": request_id}
        reply, attempt = await self.request("tools/call", params, headers, user_id)
        return replace(_read(reply), resent=attempt > 1)

    async def request(
        self, method: str, params: dict[str, Any], headers: dict[str, str], user_id: str
    ) -> tuple[Reply, int]:
        """Send a request as a user. Gives the answer, and how often it was sent. Raises
        `ToolServerError`."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": PROTOCOL_VERSION,
            "io.modelcontextprotocol/clientCapabilities": CAPABILITIES,
            **params.get("_meta", {}),
        }
        own = {"mcp-protocol-version": PROTOCOL_VERSION, "mcp-method": method}
        return await self.send(method, {**params, "_meta": meta}, {**headers, **own}, user_id)

    async def send(
        self,
        method: str,
        params: dict[str, Any],
        headers: dict[str, str],
        user_id: str,
        *,
        notifies: bool = False,
    ) -> tuple[Reply, int]:
        """Send a message as it is, signed for a user, and again with the secret that replaced ours
        when that is refused. Raises `ToolServerError`."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if not notifies:
            message["id"] = next(self._ids)
        if self._key is None:
            return await self._post(message, headers)
        secret = self._key.secret.text
        reply, attempt = await self._post(message, self._signed(headers, user_id, secret))
        if reply.status == httpx2.codes.UNAUTHORIZED:
            for other in await self._key.secret.others((secret,)):
                reply, attempt = await self._post(message, self._signed(headers, user_id, other))
                if reply.status != httpx2.codes.UNAUTHORIZED:
                    break
        return reply, attempt

    def _signed(self, headers: dict[str, str], user_id: str, secret: str) -> dict[str, str]:
        assert self._key is not None
        token, _expiry = self._key.mint(user_id, secret=secret)
        return {**headers, "authorization": f"Bearer {token}"}

    async def _post(self, message: dict[str, Any], headers: dict[str, str]) -> tuple[Reply, int]:
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                reply = await wire.post(
                    self._http,
                    self._url,
                    message,
                    headers,
                    timeout_s=2 * self._timeout_s,
                    max_bytes=self._max_bytes,
                )
            except httpx2.HTTPError as error:
                if last or not (self._once or isinstance(error, _NOT_SENT)):
                    raise ToolServerError(reasons.of_error(error)) from error
            else:
                if last or not self._worth_repeating(reply.status):
                    return reply, attempt
            await asyncio.sleep(_BACKOFF_S * attempt)
        raise AssertionError("unreachable")

    def _worth_repeating(self, status: int) -> bool:
        return status in (_RETRY_STATUSES if self._once else (httpx2.codes.TOO_MANY_REQUESTS,))


def _read(reply: Reply) -> ToolResult:
    if reply.status not in _ANSWERS:
        raise ToolServerError(reasons.of_status(reply.status))
    document = reply.document or {}
    try:
        if error := document.get("error"):
            return ToolResult(str(error["message"]), True, str(error["message"]), refused=True)
        if reply.status != httpx2.codes.OK:
            raise ToolServerError(reasons.of_status(reply.status))
        result = document["result"]
        if result.get("resultType") == "input_required":
            return ToolResult("", False, needs=_needs(result))
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


def _needs(result: dict[str, Any]) -> InputRequired:
    requests, state = result.get("inputRequests") or {}, result.get("requestState")
    if not isinstance(requests, dict) or not isinstance(state, str | None):
        raise TypeError
    if not requests and state is None:
        raise ValueError
    return InputRequired(requests, state)
