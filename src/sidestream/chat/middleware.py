"""Around every request: when it came, its id, its log line, and what an unexpected exception
becomes."""

import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidestream.chat.timing import Stopwatch
from sidestream.correlation import correlation_id
from sidestream.i18n import negotiate
from sidestream.problems import Internal, problem_response
from sidestream.streaming.context import lambda_context
from sidestream.telemetry import log_failure, logger

STARTED: Final = "sidestream.started"
STOPWATCH: Final = "sidestream.stopwatch"
REQUEST_ID: Final = "sidestream.request_id"
IS_HEAD: Final = "sidestream.is_head"
REQUEST_ID_HEADER: Final = "x-request-id"
SERVER_TIMING_HEADER: Final = "server-timing"

log = logger("chat")


class RequestContext:
    """Gives each request an id and a start time, and answers for exceptions nobody caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[STARTED] = started = time.perf_counter()
        scope[STOPWATCH] = stopwatch = Stopwatch()
        scope[REQUEST_ID] = request_id = _request_id(scope)
        correlation_id.set(request_id)
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                if timing := stopwatch.header():
                    headers[SERVER_TIMING_HEADER] = timing
            await send(message)

        # What answers GET answers HEAD, with the body left out by whoever serves the function.
        method = scope["method"]
        asked = {**scope, IS_HEAD: True, "method": "GET"} if method == "HEAD" else scope
        try:
            await self._app(asked, receive, tagged)
        except Exception as error:
            log_failure(log, "unexpected failure", error, request_id=request_id)
            if status:
                raise
            locale = negotiate(Headers(scope=scope).get("accept-language"))
            await problem_response(Internal(), request_id, locale)(scope, receive, tagged)
        finally:
            log.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": method,
                    "route": getattr(asked.get("route"), "path_format", None),
                    "status": status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                },
            )


def _request_id(scope: Scope) -> str:
    if context := lambda_context(scope):
        return context.aws_request_id
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if given.isalnum() and len(given) <= 64 else uuid.uuid4().hex
