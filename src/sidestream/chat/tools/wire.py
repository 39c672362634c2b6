"""One JSON-RPC request over MCP's Streamable HTTP, and its answer.

A server may answer a POST with one JSON document or with server-sent events, the last of which is
the response; what it notifies before that is passed over (specification 2026-07-28, "Streamable
HTTP"). Whatever comes is bounded in time, bytes and depth, and its text is made storable, before
anybody looks at it.
"""

import asyncio
import json
import math
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from sidestream import network
from sidestream.reasons import Reason
from sidestream.storable import storable

MAX_BYTES: Final = 6_000_000
_MAX_DEPTH: Final = 64


class ToolServerError(Exception):
    """The tool server could not be reached, or did not answer as MCP says it should."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its HTTP status and headers, and its JSON-RPC response where it has one."""

    status: int
    headers: httpx2.Headers
    document: dict[str, Any] | None = None


async def post(
    http: httpx2.AsyncClient,
    url: str,
    message: dict[str, Any],
    headers: dict[str, str],
    *,
    timeout_s: float,
    max_bytes: int = MAX_BYTES,
) -> Reply:
    """Send a request or a notification. Raises httpx2's errors, and `ToolServerError` for an answer
    that is too long in coming, too big, or no JSON-RPC."""
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        **headers,
    }
    body = json.dumps(message, ensure_ascii=False).encode()
    try:
        async with (
            asyncio.timeout(timeout_s),
            http.stream("POST", url, content=body, headers=headers) as response,
        ):
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                document: dict[str, Any] | None = await _response_among_events(
                    response, message.get("id"), max_bytes
                )
            else:
                document = _parsed(await _whole(response, max_bytes))
            return Reply(response.status_code, response.headers, document)
    except TimeoutError:
        raise ToolServerError(Reason.TIMED_OUT) from None


async def _whole(response: httpx2.Response, max_bytes: int) -> bytes:
    body = await network.at_most(max_bytes, response.aiter_bytes())
    if body is None:
        raise ToolServerError(Reason.UNEXPECTED)
    return body


async def _response_among_events(
    response: httpx2.Response, request_id: object, max_bytes: int
) -> dict[str, Any]:
    left = max_bytes
    try:
        async for event in httpx2.EventSource(response, max_event_size=max_bytes):
            left -= len(event.data)
            if left < 0:
                break
            document = _parsed(event.data.encode(errors="replace"))
            if document and document.get("id") == request_id and "method" not in document:
                return document
    except httpx2.SSEError:
        raise ToolServerError(Reason.UNEXPECTED) from None
    raise ToolServerError(Reason.UNEXPECTED if left < 0 else Reason.CUT)


def _parsed(body: bytes) -> dict[str, Any] | None:
    """The document of an answer; None for what is no JSON object (an empty 202, a proxy's page)."""
    try:
        document = _well_formed(json.loads(body), _MAX_DEPTH)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _well_formed(value: Any, depth: int) -> Any:
    """Give a JSON value that can be stored and sent on. Raises `ValueError` for one that nests too
    deep."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, dict | list):
        return value
    if not depth:
        raise ValueError("it nests too deep")
    if isinstance(value, list):
        return [_well_formed(inner, depth - 1) for inner in value]
    return {storable(key): _well_formed(inner, depth - 1) for key, inner in value.items()}
