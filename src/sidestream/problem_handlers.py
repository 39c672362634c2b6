"""What either function answers to an exception that has a response: a problem of ours, and what
Starlette raises for an address, a method or a body that it does not take."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from sidestream.problems import BadRequest, Internal, MethodNotAllowed, NotFound, Problem
from sidestream.request_context import refusal, too_large


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return refusal(request.scope, error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem: Problem = NotFound("There is nothing at this address.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return _other_methods(request, Headers(error.headers).get("allow", ""))
        case HTTPStatus.CONTENT_TOO_LARGE:
            problem = too_large(request.scope)
        case status:
            problem = BadRequest() if status < HTTPStatus.INTERNAL_SERVER_ERROR else Internal()
    return refusal(request.scope, problem)


def _other_methods(request: Request, own: str) -> Response:
    """Say which methods a resource has instead (RFC 9110, 9.3.7 and 15.5.6)."""
    methods = {method.strip() for method in own.split(",")}
    if "GET" in methods:  # what answers GET answers HEAD (9.3.2)
        methods.add("HEAD")
    allow = ", ".join(sorted(methods))
    if request.method == "OPTIONS":
        # Not 204, which the front of a function that streams may keep waiting for its body.
        return PlainTextResponse(headers={"allow": f"{allow}, OPTIONS"})
    return method_not_allowed(request.scope, allow)


def method_not_allowed(scope: Scope, allow: str) -> Response:
    """Give the response to a method that a resource does not have, with those that it has."""
    response = refusal(scope, MethodNotAllowed())
    response.headers["allow"] = allow
    return response


PROBLEM_HANDLERS: Final[Mapping[Any, Any]] = {Problem: _on_problem, HTTPException: _on_http}
"""For `exception_handlers` of an app that `RequestContext` is around."""
