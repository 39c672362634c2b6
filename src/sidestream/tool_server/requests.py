"""What happens around every request: its id, its size limit, its one log line, and the net that
turns whatever escapes into a problem document.
"""

import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidestream import telemetry
from sidestream.correlation import correlation_id
from sidestream.methods import allowed, options_response
from sidestream.problems import (
    BadRequest,
    Internal,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMedia,
    problem_response,
)

REQUEST_ID_HEADER: Final = "x-request-id"
JSON: Final = "application/json"

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_BY_STATUS: Final[dict[int, type[Problem]]] = {
    kind.status: kind for kind in (BadRequest, NotFound, MethodNotAllowed, TooLarge)
}
_logger = telemetry.logger("tools")


def check_json(headers: Headers, *others: str) -> None:
    """Raise `UnsupportedMedia` for a body that is said not to be JSON, or one of `others`. Without
    a word about its type it is taken for what it has to be (RFC 9110, 8.3)."""
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media not in (JSON, *others):
        raise UnsupportedMedia("Send application/json.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without a content encoding.")


class RequestMiddleware:
    """Pure ASGI: `BaseHTTPMiddleware` would run the app in a task of its own."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope.setdefault("state", {})["request_id"] = _request_id(scope)
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        correlation_id.set(_given_id(scope) or request_id)
        # A context variable: the plain append_keys would show one request's id on another's lines.
        _logger.thread_safe_append_keys(request_id=request_id, caller_request_id=_given_id(scope))
        try:
            await self._app(scope, self._limited(scope, receive), note_status)
        except Exception as error:
            telemetry.log_failure(_logger, "unexpected failure", error)
            if status:
                raise
            await problem_response(Internal(), request_id)(scope, receive, note_status)
        finally:
            route = scope.get("route")
            _logger.info(
                "request",
                extra={
                    "method": scope["method"],
                    "route": getattr(route, "path_format", None),
                    "status": status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                },
            )

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        received = 0

        async def limited() -> Message:
            nonlocal received
            too_large = declared.isdecimal() and int(declared[:20]) > self._max_body_bytes
            if not too_large:
                message = await receive()
                received += len(message.get("body", b""))
                too_large = received > self._max_body_bytes
            if too_large:
                raise TooLarge(
                    "The request may have {count} bytes at most.", count=self._max_body_bytes
                )
            return message

        return limited


def _request_id(scope: Scope) -> str:
    """Lambda's own id of the invocation, or the caller's, or a new one."""
    context = scope.get("aws.context")
    if context is not None:
        return str(context.aws_request_id)
    return _given_id(scope) or uuid.uuid4().hex


def _given_id(scope: Scope) -> str | None:
    """The id of the request that led to this one: a chat run's, when the chat calls a tool."""
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _PLAIN_ID.fullmatch(given) else None


async def problem_handler(request: Request, error: Exception) -> Response:
    """Starlette's handler for `Problem` and for its own `HTTPException`."""
    headers = {}
    if isinstance(error, HTTPException):
        if error.status_code == MethodNotAllowed.status:
            headers["allow"] = allowed(error)
            # A route of no listed methods, the MCP server's, has its own: POST and nothing else.
            if request.method == "OPTIONS" and getattr(request.scope["route"], "methods", None):
                return options_response(headers["allow"])
        error = _BY_STATUS.get(error.status_code, Internal)()
    if not isinstance(error, Problem):
        raise error
    response = problem_response(error, request.state.request_id)
    response.headers.update(headers)
    return response
