"""HTTP requests as the events that a function receives.

`function_url_event` is payload 2.0, what a Function URL sends; `rest_proxy_event` is payload 1.0,
what API Gateway's REST proxy integration sends. Sources: "Invoking Lambda function URLs" in the
Lambda Developer Guide, "Set up Lambda proxy integrations in API Gateway".
"""

import base64
import datetime
import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from .cors import Headers
from .http1 import Exchange
from .variables import ACCOUNT_ID

Event = dict[str, Any]

# Set by the front itself, or of no meaning beyond the connection.
_REPLACED = frozenset(
    {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"}
    | {"connection", "expect", "keep-alive", "te", "transfer-encoding", "upgrade"}
)
_TEXT = re.compile(r"text/|application/(json|javascript|xml)\b")


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """One request as the front of the URL saw it; header names in `raw_headers` as sent."""

    request_id: str
    trace_header: str
    method: str
    target: str
    raw_headers: Headers
    body: bytes
    source_ip: str
    received_at: datetime.datetime

    @classmethod
    def of(cls, exchange: Exchange, body: bytes, request_id: str, trace_header: str) -> Self:
        """Describe an exchange whose body has been read."""
        return cls(
            request_id=request_id,
            trace_header=trace_header,
            method=exchange.method,
            target=exchange.target,
            raw_headers=exchange.raw_headers,
            body=body,
            source_ip=exchange.peer_host,
            received_at=datetime.datetime.now(datetime.UTC),
        )

    @property
    def raw_path(self) -> str:
        """The path as sent, percent-encoded."""
        return self.target.partition("?")[0] or "/"

    @property
    def raw_query(self) -> str:
        """The query string as sent, without its question mark."""
        return self.target.partition("?")[2]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters in order."""
        return parse_qsl(self.raw_query, keep_blank_values=True)

    def forwarded_headers(self) -> Headers:
        """The request's headers plus those that AWS's front adds."""
        kept = [(name, value) for name, value in self.raw_headers if name.lower() not in _REPLACED]
        earlier = [value for name, value in self.raw_headers if name.lower() == "x-forwarded-for"]
        _, _, port = self.host.rpartition(":")
        return [
            *kept,
            ("X-Forwarded-For", ", ".join([*earlier, self.source_ip])),
            ("X-Forwarded-Port", port if port.isdecimal() else "80"),
            ("X-Forwarded-Proto", "http"),
            ("X-Amzn-Trace-Id", self.trace_header),
        ]

    @property
    def host(self) -> str:
        """The Host header."""
        return self.header("host")

    def header(self, wanted: str) -> str:
        """A header's values, joined, or an empty string; `wanted` is lower-case."""
        return ",".join(value for name, value in self.raw_headers if name.lower() == wanted)

    def encoded_body(self) -> tuple[str, bool]:
        """The body as an event carries it, and whether that is base64.

        Only plain text types stay text; a form or a multipart body comes as base64 from AWS too.
        """
        content_type = self.header("content-type").lower()
        if _TEXT.match(content_type) and not self.header("content-encoding"):
            try:
                return self.body.decode(), False
            except UnicodeDecodeError:
                pass
        return base64.b64encode(self.body).decode(), True


def function_url_event(request: UrlRequest) -> Event:
    """The payload 2.0 event of a Function URL."""
    headers, cookies = _joined_headers(request.forwarded_headers())
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.raw_path,
        "rawQueryString": request.raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": request.host,
            "domainPrefix": request.host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": unquote(request.raw_path),
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "requestId": request.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": _clf_time(request.received_at),
            "timeEpoch": _epoch_ms(request.received_at),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        joined: dict[str, str] = {}
        for name, value in request.query:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        event["queryStringParameters"] = joined
    if request.body:
        event["body"], event["isBase64Encoded"] = request.encoded_body()
    return event


def rest_proxy_event(request: UrlRequest) -> Event:
    """The payload 1.0 event of a REST API with a `{proxy+}` resource, its path as sent."""
    path = request.raw_path
    headers = request.forwarded_headers()
    multi_query = _grouped(request.query)
    body, is_base64 = request.encoded_body() if request.body else (None, False)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(request.query) or None,
        "multiValueQueryStringParameters": multi_query or None,
        "pathParameters": {"proxy": unquote(path.removeprefix("/"))},
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": request.host,
            "domainPrefix": request.host.partition(".")[0],
            "extendedRequestId": request.request_id,
            "httpMethod": request.method,
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "sourceIp": request.source_ip,
                "user": None,
                "userAgent": request.header("user-agent"),
                "userArn": None,
            },
            "path": f"/local{path}",
            "protocol": "HTTP/1.1",
            "requestId": request.request_id,
            "requestTime": _clf_time(request.received_at),
            "requestTimeEpoch": _epoch_ms(request.received_at),
            "resourceId": "local",
            "resourcePath": "/{proxy+}",
            "stage": "local",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _joined_headers(headers: Headers) -> tuple[dict[str, str], list[str]]:
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, value in headers:
        name = raw_name.lower()
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        else:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined, cookies


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _clf_time(moment: datetime.datetime) -> str:
    return moment.strftime("%d/%b/%Y:%H:%M:%S +0000")


def _epoch_ms(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1000)
