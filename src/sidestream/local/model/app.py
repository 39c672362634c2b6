"""The HTTP side: routes, keys, bodies, faults, and errors in OpenAI's shape."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sidestream.local.model import completions, wire
from sidestream.local.model.conversation import Conversation, Step
from sidestream.local.model.delivery import Delivery, EventStream
from sidestream.local.model.errors import ApiError, context_overflow
from sidestream.local.model.faults import NO_FAULT, Control, RecordedRequest
from sidestream.local.model.policy import next_step
from sidestream.local.model.settings import ModelEntry, ModelSettings

_MODEL_CREATED = 1_735_689_600


@dataclass(frozen=True, slots=True)
class _Protocol:
    """One of the two ways to ask."""

    read_request: Callable[[Mapping[str, Any]], Conversation]
    whole: Callable[[Mapping[str, Any], Step, Delivery], dict[str, Any]]
    stream: Callable[[Mapping[str, Any], Step, Delivery], AsyncIterator[bytes]]
    limit: tuple[str, ...]
    input_param: str
    stream_error: Callable[[Mapping[str, Any], ApiError], AsyncIterator[bytes]] | None = None


_RESPONSES = _Protocol(
    wire.read_request,
    wire.whole,
    wire.stream,
    ("max_output_tokens",),
    "input",
    wire.stream_error,
)
_COMPLETIONS = _Protocol(
    completions.read_request,
    completions.whole,
    completions.stream,
    ("max_completion_tokens", "max_tokens"),
    "messages",
)


def create_app(settings: ModelSettings, control: Control | None = None) -> Starlette:
    """The scripted model as an ASGI application; `control` is where its faults and counts live."""
    model = _Model(settings, control or Control())
    routes = [
        Route("/v1/responses", model.responses, methods=["POST"]),
        Route("/v1/chat/completions", model.completions, methods=["POST"]),
        Route("/v1/models", model.list_models),
        Route("/v1/models/{model:path}", model.get_model),
    ]
    handlers: dict[Any, Any] = {ApiError: _on_api_error, HTTPException: _on_http_error}
    return Starlette(routes=routes, exception_handlers=handlers)


class _Model:
    def __init__(self, settings: ModelSettings, control: Control) -> None:
        self._settings = settings
        self._control = control
        control.api_key = settings.api_key

    async def responses(self, request: Request) -> ASGIApp:
        return await self._answer(request, _RESPONSES)

    async def completions(self, request: Request) -> ASGIApp:
        return await self._answer(request, _COMPLETIONS)

    async def list_models(self, request: Request) -> Response:
        self._check_key(request)
        models = [_model(entry) for entry in self._settings.models]
        return _json({"object": "list", "data": models})

    async def get_model(self, request: Request) -> Response:
        self._check_key(request)
        name = request.path_params["model"]
        for entry in self._settings.models:
            if entry.id == name:
                return _json(_model(entry))
        message = f"The model '{name}' does not exist"
        raise ApiError(404, message, code="model_not_found", param="model")

    async def _answer(self, request: Request, protocol: _Protocol) -> ASGIApp:
        self._check_key(request)
        body = await _read_body(request)
        self._control.requests.append(RecordedRequest(request.url.path, body))
        self._control.changed()
        try:
            conversation = protocol.read_request(body)
        except (KeyError, TypeError, AttributeError) as invalid:
            message = f"Invalid value in '{protocol.input_param}': {invalid!r}"
            raise ApiError(400, message, param=protocol.input_param) from invalid
        titling = conversation.wants_title
        fault = NO_FAULT if titling else self._control.next_fault()
        headers = {"x-request-id": f"req_{uuid4().hex}"}
        streamed = body.get("stream") is True
        if fault.error is not None:
            raise fault.error
        if fault.overflow:
            error = context_overflow(protocol.input_param)
            if not streamed or protocol.stream_error is None:
                raise error
            return EventStream(protocol.stream_error(body, error), self._control, headers)
        scripted = None if titling else self._control.next_step()
        settings = self._settings
        step = scripted or next_step(conversation, settings.now(), settings.grammar)
        limit = next((body[key] for key in protocol.limit if isinstance(body.get(key), int)), None)
        delivery = Delivery(step.text, self._control, settings.delay_ms, fault, limit)
        if streamed:
            return EventStream(protocol.stream(body, step, delivery), self._control, headers)
        return _json(protocol.whole(body, step, delivery), headers=headers)

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise ApiError(401, "Missing bearer authentication in header")
        if self._control.api_key not in (None, key):
            raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")


def _json(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    # ASCII, because what comes back may hold a lone surrogate that UTF-8 cannot.
    return Response(json.dumps(document), status, headers, media_type="application/json")


async def _read_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "We could not parse the JSON body of your request.")
    if not isinstance(body.get("model"), str):
        message = "You must provide a model parameter."
        raise ApiError(400, message, code="missing_required_parameter", param="model")
    return body


def _model(entry: ModelEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "object": "model",
        "created": _MODEL_CREATED,
        "owned_by": "sidestream",
        "shutdown_date": entry.shutdown_date,
    }


async def _on_api_error(_: Request, error: ApiError) -> Response:
    headers = {"x-request-id": f"req_{uuid4().hex}"}
    if error.retry_after_s is not None:
        headers["retry-after"] = f"{error.retry_after_s:g}"
    return _json({"error": error.error}, error.status, headers)


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    message = f"Invalid URL ({request.method} {request.url.path})"
    return _json({"error": ApiError(error.status_code, message).error}, error.status_code)
