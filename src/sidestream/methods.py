"""The answers to methods that a resource does not have: what it has instead."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response


def allowed(error: HTTPException) -> str:
    """Give the `Allow` header of a 405. What answers GET answers HEAD (RFC 9110, 9.3.2)."""
    given = Headers(error.headers).get("allow", "")
    methods = {method.strip() for method in given.split(",")}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def options_response(allow: str) -> Response:
    """Give the answer to OPTIONS (RFC 9110, 9.3.7), for a resource that has other methods."""
    # Not 204, which the front of a function that streams may keep waiting for its body.
    return PlainTextResponse(headers={"allow": f"{allow}, OPTIONS"})
