"""The envelope of a JSON-RPC message (https://www.jsonrpc.org/specification), as MCP narrows it:
one message per request, ids that are texts or whole numbers, params that are objects.

The SDK takes a request whose id is of another type for a notification, which gets no answer, and
calls every other fault of an envelope one of the params.
"""

import codecs
from typing import Any, Final

import pydantic_core
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from starlette.responses import JSONResponse

_MAX_CHARS: Final = 200
"""What an id and a method's name may have."""


class RpcError(Exception):
    """A message that is refused before it reaches the server, and why. `id` is the request's where
    it could be read."""

    def __init__(
        self, code: int, message: str, id: Any = None, *, status: int = 400, data: Any = None
    ) -> None:
        super().__init__(message)
        self._error = {"code": code, "message": message} | ({"data": data} if data else {})
        self._id = id
        self._status = status

    def response(self) -> JSONResponse:
        """Give the HTTP response that tells it."""
        document = {"jsonrpc": "2.0", "id": self._id, "error": self._error}
        return JSONResponse(document, status_code=self._status)


def read_message(body: bytes) -> dict[str, Any]:
    """Read a request, a notification or a response. Raises `RpcError`."""
    try:
        # Stricter than the SDK's newer path, which lets unpaired surrogates through and then
        # fails to encode its own answer.
        text = body.removeprefix(codecs.BOM_UTF8)
        message = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError:
        raise RpcError(PARSE_ERROR, "Parse error") from None
    if isinstance(message, list):
        raise RpcError(INVALID_REQUEST, "Invalid Request: batches are not taken")
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, "Invalid Request: not an object")
    given = _id(message)
    if message.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'Invalid Request: jsonrpc is not "2.0"', given)
    if "method" not in message and not _ANSWERS.isdisjoint(message):
        return message
    method = message.get("method")
    # The SDK gives one back that it does not know.
    if not isinstance(method, str) or len(method) > _MAX_CHARS:
        raise RpcError(INVALID_REQUEST, "Invalid Request: the method is no text, or long", given)
    params = message.get("params")
    if isinstance(params, list):
        raise RpcError(INVALID_PARAMS, "Invalid params: not an object", given)
    if params is not None and not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "Invalid Request: the params are not structured", given)
    return message


def _id(message: dict[str, Any]) -> str | int | None:
    given = message.get("id")
    if "id" in message and (isinstance(given, bool) or not isinstance(given, str | int)):
        raise RpcError(INVALID_REQUEST, "Invalid Request: the id is no text and no whole number")
    if len(str(given)) > _MAX_CHARS:
        raise RpcError(INVALID_REQUEST, "Invalid Request: the id is too long")
    return given


_ANSWERS: Final = frozenset({"result", "error"})
