"""ChatFunction's ASGI application: `create_app()` wires it, `app` is what the runtime starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatkit.store import NotFoundError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from sidestream.chat.middleware import (
    REQUEST_ID,
    REQUEST_ID_HEADER,
    SERVER_TIMING_HEADER,
    RequestContext,
)
from sidestream.chat.routes import RUN_ID_HEADER, THREAD_ID_HEADER, router
from sidestream.chat.services import Services
from sidestream.config import ChatSettings, chat_settings
from sidestream.i18n import load, negotiate
from sidestream.methods import allowed, options_response
from sidestream.problems import (
    BadRequest,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    problem_response,
)
from sidestream.sessions.routes import session_routes

EXPOSED_HEADERS = [
    "retry-after",
    SERVER_TIMING_HEADER,
    REQUEST_ID_HEADER,
    RUN_ID_HEADER,
    THREAD_ID_HEADER,
]


def create_app(settings: ChatSettings | None = None) -> FastAPI:
    """Build the application. Its sockets are opened by its lifespan."""
    services = Services(settings or chat_settings())
    load()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await services.open()
        yield
        await services.close()

    app = FastAPI(
        title="Sidestream chat",
        lifespan=lifespan,
        middleware=_middleware(services.settings),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.include_router(session_routes(services.settings, services.verifier, services.session_key))
    app.include_router(router)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(NotFoundError, _on_not_found)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    return app


def _middleware(settings: ChatSettings) -> list[Middleware]:
    # CORS first, so that a page can read the answer to an exception too.
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age=600,
    )
    return [*([cors] if settings.cors_origins else []), Middleware(RequestContext)]


def _respond(request: Request, problem: Problem) -> Response:
    locale = negotiate(request.headers.get("accept-language"))
    return problem_response(problem, request.scope[REQUEST_ID], locale)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _respond(request, error)


async def _on_not_found(request: Request, _error: Exception) -> Response:
    return _respond(request, NotFound())


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"loc": [str(part) for part in item["loc"]], "msg": item["msg"]} for item in error.errors()
    ]
    return _respond(request, Invalid(errors=errors))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            problem: Problem = NotFound("There is nothing at this address.")
        case 405 if request.method == "OPTIONS":
            return options_response(allowed(error))
        case 405:
            refusal = _respond(request, MethodNotAllowed())
            refusal.headers["allow"] = allowed(error)
            return refusal
        case _:
            problem = BadRequest()
    return _respond(request, problem)


def __getattr__(name: str) -> FastAPI:
    """Build `app` when the runtime asks for it, so that importing this module needs no settings."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
