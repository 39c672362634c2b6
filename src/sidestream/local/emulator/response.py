"""What a function posts, turned into what the client of a Function URL sees.

`StreamedAnswer` is `InvokeMode: RESPONSE_STREAM`: a JSON prelude and eight NULs, then bytes that go
to the client as they come. `BufferedAnswer` is `InvokeMode: BUFFERED`: one JSON document in the
payload 2.0 format. Sources: "Building a custom runtime" and "Invoking Lambda function URLs" in the
Lambda Developer Guide, "Working with AWS Lambda proxy integrations for HTTP APIs" for the
inference.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, Protocol

import h11

from .cors import Headers
from .http1 import Exchange, InvalidHeadError, response_head

PRELUDE_CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
MAX_BUFFERED_BYTES = 6_291_556
MAX_STREAMED_BYTES = 200 * 1024 * 1024

_DELIMITER = b"\0" * 8
# API Gateway's limit on prelude and delimiter, kept for both so that one function serves both.
_MAX_PRELUDE_BYTES = 16_384
_REMAPPED = frozenset({"connection", "content-length", "date", "server", "www-authenticate"})
_DROPPED = frozenset({"keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class MalformedResponseError(Exception):
    """The function's response cannot become an HTTP response."""


class ResponseTooLargeError(Exception):
    """The function's response is over Lambda's limit."""


class Reply:
    """The client's side of an invocation: the exchange, and the headers Lambda adds to it.

    `on_last` is called with the response's status right before its last bytes are sent, so that
    whoever has read a response finds it recorded.
    """

    def __init__(self, exchange: Exchange, added: Headers, on_last: Callable[[int], None]) -> None:
        self.exchange = exchange
        self.status = 0
        self._added = added
        self._on_last = on_last

    async def start(self, status: int, headers: Headers, cookies: list[str]) -> None:
        """Send the head. Raises `MalformedResponseError`."""
        head = self._head(status, headers, cookies)
        self.status = status
        await self.exchange.start(head)

    async def end(self) -> None:
        """End what `start` began."""
        self._on_last(self.status)
        await self.exchange.end()

    async def whole(self, status: int, headers: Headers, cookies: list[str], body: bytes) -> None:
        """Send a whole response. Raises `MalformedResponseError`."""
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        head = self._head(status, kept, cookies, ("Content-Length", str(len(body))))
        self._on_last(status)
        await self.exchange.start(head)
        await self.exchange.send(body)
        await self.exchange.end()

    def break_off(self) -> None:
        """Close the client's connection in the middle of the response."""
        self._on_last(self.status)
        self.exchange.cut()

    def _head(
        self, status: int, headers: Headers, cookies: list[str], *framing: tuple[str, str]
    ) -> h11.Response:
        kept = [_outward(name, value) for name, value in headers if name.lower() not in _DROPPED]
        kept += [("Set-Cookie", cookie) for cookie in cookies]
        try:
            return response_head(status, [*kept, *self._added, *framing])
        except InvalidHeadError as error:
            raise MalformedResponseError(str(error)) from error


class Answer(Protocol):
    """Receives one function's response."""

    def begin(self, content_type: str, streamed: bool) -> None:
        """The runtime starts posting, in the given response mode."""

    async def feed(self, data: bytes) -> None:
        """A piece. Raises `MalformedResponseError`, `ResponseTooLargeError`."""

    async def finish(self) -> None:
        """End the client's response. Raises `MalformedResponseError`."""


class StreamedAnswer:
    """Hands each piece to the client at once; before that, reads the prelude if there is one."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._content_type = ""
        self._prelude: bytes | None = None
        self._size_bytes = 0
        self.body_bytes = 0

    def begin(self, content_type: str, streamed: bool) -> None:
        """A response posted whole is not parsed in this mode either: its bytes are the body."""
        self._content_type = content_type or "application/octet-stream"
        if streamed and self._content_type.startswith(PRELUDE_CONTENT_TYPE):
            self._prelude = b""

    async def feed(self, data: bytes) -> None:
        """Forward a piece. Raises `MalformedResponseError`, `ResponseTooLargeError`."""
        self._size_bytes += len(data)
        if self._size_bytes > MAX_STREAMED_BYTES:
            raise ResponseTooLargeError
        if self._prelude is not None:
            data = await self._read_prelude(self._prelude + data)
        elif not self._reply.exchange.started:
            await self._start_without_prelude()
        if data:
            self.body_bytes += len(data)
            await self._reply.exchange.send(data)

    async def finish(self) -> None:
        """End the stream. Raises `MalformedResponseError`."""
        if not self._reply.exchange.started:
            if self._prelude is not None:
                raise MalformedResponseError("the response ended before its prelude did")
            await self._start_without_prelude()
        await self._reply.end()

    async def _read_prelude(self, data: bytes) -> bytes:
        prelude, delimiter, body = data.partition(_DELIMITER)
        if len(prelude) + len(_DELIMITER) > _MAX_PRELUDE_BYTES:
            raise MalformedResponseError("no prelude in the first 16 KB")
        if not delimiter:
            self._prelude = data
            return b""
        self._prelude = None
        status, headers, cookies = _read_head(_object(prelude))
        _default_content_type(headers, "application/octet-stream")
        await self._reply.start(status, headers, cookies)
        return body

    async def _start_without_prelude(self) -> None:
        await self._reply.start(200, [("Content-Type", self._content_type)], [])


class BufferedAnswer:
    """Collects the response, and sends it to the client when it is whole."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def begin(self, content_type: str, streamed: bool) -> None:
        """Nothing to prepare: a streamed response is collected all the same."""

    async def feed(self, data: bytes) -> None:
        """Keep a piece. Raises `ResponseTooLargeError`."""
        self._size_bytes += len(data)
        if self._size_bytes > MAX_BUFFERED_BYTES:
            raise ResponseTooLargeError
        self._pieces.append(data)

    async def finish(self) -> None:
        """Send the response. Raises `MalformedResponseError`."""
        payload = b"".join(self._pieces)
        self._pieces.clear()
        try:
            value = json.loads(payload)
        except ValueError:
            head = [("Content-Type", "application/octet-stream")]
            return await self._reply.whole(200, head, [], payload)
        if not isinstance(value, dict) or "statusCode" not in value:
            # No status code: the value itself is the body.
            body = value.encode() if isinstance(value, str) else payload
            return await self._reply.whole(200, [("Content-Type", "application/json")], [], body)
        status, headers, cookies = _read_head(value)
        _default_content_type(headers, "application/json")
        return await self._reply.whole(status, headers, cookies, _read_body(value))


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise MalformedResponseError(f"the prelude is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedResponseError("the prelude is not an object")
    return value


def _read_head(value: dict[str, Any]) -> tuple[int, Headers, list[str]]:
    try:
        status = int(value.get("statusCode", 200))
    except (TypeError, ValueError) as error:
        raise MalformedResponseError("statusCode is not a number") from error
    single, several = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    cookies = value.get("cookies") or []
    if not (isinstance(single, dict) and isinstance(several, dict) and isinstance(cookies, list)):
        raise MalformedResponseError("headers are objects, cookies are a list")
    headers = [(name, _text(item)) for name, item in single.items()]
    for name, items in several.items():
        headers += [(name, _text(item)) for item in items]
    return status, headers, [_text(cookie) for cookie in cookies]


def _read_body(value: dict[str, Any]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponseError("body is not a string")
    if not value.get("isBase64Encoded"):
        return body.encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedResponseError("body is not base64") from error


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedResponseError("a header's value is not text")


def _default_content_type(headers: Headers, content_type: str) -> None:
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))


def _outward(name: str, value: str) -> tuple[str, str]:
    if name.lower() in _REMAPPED:
        return f"x-amzn-Remapped-{name}", value
    return name, value
