"""ChatFunction's ASGI application: `create_app()` wires it, `app` is what the runtime starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatkit.store import NotFoundError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from sidestream.chat.routes import router
from sidestream.chat.services import Services
from sidestream.chat.timing import ServerTiming
from sidestream.config import ChatSettings, chat_settings
from sidestream.field_errors import field_errors
from sidestream.headers import CHAT_EXPOSES
from sidestream.i18n import load, negotiate
from sidestream.problem_handlers import PROBLEM_HANDLERS
from sidestream.problems import Invalid, NotFound
from sidestream.request_context import RequestContext, refusal
from sidestream.sessions.routes import session_routes
from sidestream.telemetry import logger


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
        exception_handlers={
            **PROBLEM_HANDLERS,
            NotFoundError: _on_not_found,
            RequestValidationError: _on_invalid,
        },
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.include_router(session_routes(services.settings, services.verifier, services.session_key))
    app.include_router(router)
    return app


def _middleware(settings: ChatSettings) -> list[Middleware]:
    # CORS first, so that a page can read the answer to an exception too.
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=CHAT_EXPOSES,
        max_age=600,
    )
    return [
        *([cors] if settings.cors_origins else []),
        Middleware(ServerTiming),
        Middleware(
            RequestContext,
            logger("chat"),
            settings.max_body_bytes,
            stage=settings.stage,
            language=negotiate,
        ),
    ]


async def _on_not_found(request: Request, _error: Exception) -> Response:
    return refusal(request.scope, NotFound())


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(request.scope, Invalid(errors=field_errors(error.errors())))


def __getattr__(name: str) -> FastAPI:
    """Build `app` when the runtime asks for it, so that importing this module needs no settings."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
