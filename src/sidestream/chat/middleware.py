"""Around every request: when it came, its id, and what an unexpected exception becomes."""

import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidestream.problems import Internal, problem_response
from sidestream.streaming.context import lambda_context
from sidestream.telemetry import logger

STARTED: Final = "sidestream.started"
REQUEST_ID: Final = "sidestream.request_id"
REQUEST_ID_HEADER: Final = "x-request-id"

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
        scope[STARTED] = time.perf_counter()
        scope[REQUEST_ID] = request_id = _request_id(scope)
        answered = False

        async def tagged(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, tagged)
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id})
            if answered:
                raise
            await problem_response(Internal(), request_id)(scope, receive, tagged)


def _request_id(scope: Scope) -> str:
    if context := lambda_context(scope):
        return context.aws_request_id
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if given.isalnum() and len(given) <= 64 else uuid.uuid4().hex
