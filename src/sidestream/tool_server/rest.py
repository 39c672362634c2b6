"""What every REST route of a domain needs: whose it is, a body or a query that fits, an answer.

Takes the identity provider's JWTs alone: a tool token was made for the MCP server and a session
token for the chat. Somebody else's path is a 403.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sidestream.caller import Caller
from sidestream.field_errors import field_errors
from sidestream.headers import TIME_ZONE
from sidestream.identity import SUBJECT_CLAIM, Verifier, bearer_token, check_owner
from sidestream.problems import BadRequest, Invalid
from sidestream.time_zone import CLAIM, UTC_ZONE, time_zone
from sidestream.tool_server.fields import IdempotencyKey
from sidestream.tool_server.media import check_json
from sidestream.tool_server.pages import page_document

_KEY: Final = TypeAdapter[str](IdempotencyKey)


async def owner(request: Request, people: Verifier) -> Caller:
    """Give who is asking, when the `user_id` of the path is theirs. Raises `Problem`."""
    claims = await people.claims(bearer_token(request.headers))
    check_owner(request.path_params["user_id"], claims["sub"], claims.get(SUBJECT_CLAIM))
    zone = time_zone(request.headers.get(TIME_ZONE), claims.get(CLAIM))
    return Caller(claims["sub"], time_zone=zone)


async def json_body(request: Request) -> Any:
    """Read the body. Raises `UnsupportedMedia` and `BadRequest`."""
    check_json(request.headers, "application/merge-patch+json")
    try:
        # Some programs put a byte order mark before JSON (RFC 8259, 8.1).
        text = (await request.body()).decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None


def query(request: Request) -> dict[str, str]:
    """Read the query, in which nothing is given twice. Raises `Invalid`."""
    values = dict(request.query_params.multi_items())
    if len(values) != len(request.query_params.multi_items()):
        raise Invalid("A query parameter is given twice.")
    return values


def valid[ModelT: BaseModel](model: type[ModelT], value: Any, zone: ZoneInfo = UTC_ZONE) -> ModelT:
    """Read a value of somebody in a time zone as a model. Raises `Invalid`, with the fields that do
    not fit."""
    try:
        return model.model_validate(value, context=zone)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        raise Invalid(errors=field_errors(details)) from None


def idempotency_key(request: Request) -> str | None:
    """Give the `Idempotency-Key`, if there is one. Raises `Invalid`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    try:
        return _KEY.validate_python(key)
    except ValidationError:
        raise Invalid("The Idempotency-Key is 1 to 200 visible ASCII characters.") from None


def page(request: Request, things: Iterable[Mapping[str, Any]], after: str | None) -> Response:
    """Answer with a page, of as many things as may come to one (see `page_document`)."""
    return answer(page_document(things, after, request.app.state.page_bytes))


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return JSONResponse(document, status, headers=headers)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
