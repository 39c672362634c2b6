"""Lambda's HTTP events, turned into ASGI connection scopes.

Two shapes are known: payload format 2.0 of Function URLs and HTTP APIs
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads) and format 1.0 of
REST APIs
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
Only the fields that are used have to be there, so a short event written by hand also works for a
probe. Anything else is not an HTTP event, which the caller acknowledges and drops.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from .asgi import Scope
from .errors import MalformedEventError

_MAX_NAMES = 20
_MAX_NAME_CHARS = 50

type Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The request an event stands for: its ASGI scope, not yet extended, and its whole body."""

    scope: Scope
    body: bytes

    @property
    def method(self) -> str:
        return str(self.scope["method"])


def http_request(event: object) -> HttpRequest | None:
    """Read an event; None when it is not an HTTP event.

    Raises:
        MalformedEventError: it is one, but a field has a wrong type or a body is not Base64.
    """
    if not isinstance(event, dict):
        return None
    try:
        if _is_payload_v2(event):
            return _payload_v2(event)
        if isinstance(event.get("httpMethod"), str) and isinstance(event.get("path"), str):
            return _payload_v1(event)
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedEventError("an HTTP event has a field of the wrong type") from error
    return None


def event_shape(event: object) -> str:
    """What may be logged of an event that is not HTTP: its type, and the names of its fields."""
    if not isinstance(event, dict):
        return type(event).__name__
    names = sorted(name[:_MAX_NAME_CHARS] for name in event)
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"object with {names[:_MAX_NAMES]}{more}"


def _is_payload_v2(event: dict[str, Any]) -> bool:
    context = event.get("requestContext")
    return isinstance(event.get("rawPath"), str) or (
        isinstance(context, dict) and isinstance(context.get("http"), dict)
    )


def _payload_v2(event: dict[str, Any]) -> HttpRequest:
    context: dict[str, Any] = event.get("requestContext") or {}
    http: dict[str, Any] = context.get("http") or {}
    path = event.get("rawPath") or http.get("path") or "/"
    headers = [*_single_headers(event.get("headers") or {})]
    cookies: list[str] | None = event.get("cookies")
    if cookies:
        headers = [(name, value) for name, value in headers if name != b"cookie"]
        headers.append((b"cookie", _encode("; ".join(cookies))))
    return HttpRequest(
        _scope(
            method=http.get("method") or "GET",
            path=_below_stage(context.get("stage"), path),
            query=event.get("rawQueryString") or "",
            headers=headers,
            source_ip=http.get("sourceIp"),
        ),
        _body(event),
    )


def _payload_v1(event: dict[str, Any]) -> HttpRequest:
    identity: dict[str, Any] = (event.get("requestContext") or {}).get("identity") or {}
    multi_headers: dict[str, list[str]] | None = event.get("multiValueHeaders")
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters")
    return HttpRequest(
        _scope(
            method=event["httpMethod"],
            path=event["path"] or "/",
            query=urlencode(query or {}, doseq=True),
            headers=[*_multi_headers(multi_headers)]
            if multi_headers
            else [*_single_headers(event.get("headers") or {})],
            source_ip=identity.get("sourceIp"),
        ),
        _body(event),
    )


def _below_stage(stage: str | None, path: str) -> str:
    """Take off the stage of an HTTP API, which its paths begin with unless it is `$default`; format
    1.0 has it beside the path."""
    first, _, rest = path.removeprefix("/").partition("/")
    return f"/{rest}" if first == stage != "$default" else path


def _scope(*, method: str, path: str, query: str, headers: Headers, source_ip: str | None) -> Scope:
    host, port = _server(headers)
    return {
        "type": "http",
        # 2.3: as with uvicorn, an app is told of a disconnect through `receive`.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": _first(headers, b"x-forwarded-proto") or "https",
        "path": unquote(path),
        "raw_path": _encode(path),
        "query_string": _encode(query),
        "root_path": "",
        "headers": headers,
        "client": (source_ip, 0) if source_ip else None,
        "server": (host, port),
        "extensions": {},
    }


def _single_headers(headers: dict[str, str]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers.items():
        yield _encode(name.lower()), _encode(value)


def _multi_headers(headers: dict[str, list[str]]) -> Iterator[tuple[bytes, bytes]]:
    for name, values in headers.items():
        for value in values:
            yield _encode(name.lower()), _encode(value)


def _body(event: dict[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # A lone surrogate reaches the app as bytes that are not UTF-8, for it to refuse.
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedEventError("the body of an HTTP event is not Base64") from error


def _server(headers: Headers) -> tuple[str, int]:
    host, _, port = (_first(headers, b"host") or "localhost").partition(":")
    return host, int(port) if port.isdigit() else 443


def _first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key == name), None)


def _encode(text: str) -> bytes:
    """ASGI headers are bytes: Latin-1 where the text fits (RFC 9110 section 5.5), else UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
