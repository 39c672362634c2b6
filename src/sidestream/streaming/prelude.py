"""The prelude: status and headers as the JSON that opens a streamed HTTP response.

A streamed response is ``{"statusCode", "headers", "cookies"}``, eight NUL bytes, and the body as it
is. Sources: the content type ``application/vnd.awslambda.http-integration-response`` as AWS's Rust
and Node.js runtimes write it, and "Lambda proxy integration format for response streaming"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html),
which sets the limit: the JSON and its delimiter within the first 16 KB.
"""

import json
from collections.abc import Iterable
from http import HTTPMethod, HTTPStatus

from .asgi import Message
from .errors import InvalidResponseError

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
MAX_PRELUDE_BYTES = 16 * 1024

# Written instead of no bytes at all: a stream that has a prelude and nothing after it can leave the
# client waiting until the function's timeout.
EMPTY_BODY = b"\n"

# Lambda frames the body itself and renames a content-length that it is given; the others are
# hop-by-hop (RFC 9110 section 7.6.1) and say nothing about the hop to the client.
_DROPPED = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_FORBIDDEN = frozenset("\0\r\n")
_NO_CONTENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Prelude:
    """Status and headers of one response, checked and ready to be sent.

    Raises:
        InvalidResponseError: the status is not one, a header holds NUL, CR or LF, or the whole is
            larger than 16 KB.
    """

    __slots__ = ("encoded", "headers", "method", "status")

    def __init__(self, start: Message, method: str, *, strip_cors_headers: bool = False) -> None:
        """Read an ``http.response.start`` message that answers a request of ``method``."""
        status = start.get("status")
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise InvalidResponseError("the response has no status between 200 and 599")
        self.status = status
        self.method = method
        self.headers, cookies = _fold(start.get("headers", ()), strip_cors_headers)
        if status not in _NO_CONTENT:
            self.headers.setdefault("content-type", "application/octet-stream")
        fields = {"statusCode": status, "headers": self.headers, "cookies": cookies}
        self.encoded = json.dumps(fields, separators=(",", ":")).encode() + DELIMITER
        if len(self.encoded) > MAX_PRELUDE_BYTES:
            raise InvalidResponseError("the response's headers are larger than 16 KB")

    @property
    def allows_body(self) -> bool:
        """False for HEAD, 204 and 304, whose body is dropped (RFC 9110 sections 9.3.2, 15)."""
        return self.method != HTTPMethod.HEAD and self.status not in _NO_CONTENT

    @property
    def empty_body(self) -> bytes:
        """What to write when the response ends without a byte of body."""
        return b"" if self.status in _NO_CONTENT else EMPTY_BODY

    def preamble(self, size_bytes: int) -> bytes:
        """An SSE comment of ``size_bytes`` for an event stream, nothing for anything else.

        Some front ends hold the first writes of a response back until they have seen enough.
        """
        is_events = self.headers.get("content-type", "").startswith("text/event-stream")
        if not is_events or not self.allows_body or size_bytes < len(b":\n\n"):
            return b""
        return b":".ljust(size_bytes - 2) + b"\n\n"


def _fold(
    pairs: Iterable[tuple[bytes, bytes]], strip_cors_headers: bool
) -> tuple[dict[str, str], list[str]]:
    """Join repeated headers with a comma (RFC 9110 section 5.3), but keep cookies apart."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if not _FORBIDDEN.isdisjoint(name) or not _FORBIDDEN.isdisjoint(value):
            raise InvalidResponseError("a response header holds NUL, CR or LF")
        if name == "set-cookie":
            cookies.append(value)
        elif name in _DROPPED or (strip_cors_headers and name.startswith("access-control-")):
            continue
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, cookies
