"""The ASGI app of TasksFunction, the same under uvicorn and on Lambda."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sidestream import config
from sidestream.config import Settings
from sidestream.identity import TOKEN_HEADER, Verifier, tool_key
from sidestream.problems import Problem
from sidestream.store.database import Database
from sidestream.tasks.mcp import McpEndpoint
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.requests import REQUEST_ID_HEADER, RequestMiddleware, problem_handler
from sidestream.tasks.rest import TaskRoutes

MAX_BODY_BYTES: Final = 128 * 1024
"""More than the longest task takes with every character escaped."""


def create_app(settings: Settings, database: Database | None = None) -> Starlette:
    """Make the app. Its lifespan opens and closes the database and fetches the sign-in keys."""
    database = database or Database(
        settings.secret("database_url"),
        max_size=settings.database_pool_max,
        timeout_s=settings.database_timeout_s,
    )
    tasks = TaskRepository(database)
    people = Verifier(issuers=settings.auth_issuers)
    callers = Verifier(keys=[tool_key(settings.secret("tool_signing_key"))])
    mcp = McpEndpoint(tasks, callers, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.gather(database.open(), people.prefetch())
        try:
            async with mcp.sessions.run():
                yield
        finally:
            await database.close()

    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/mcp", mcp),
            *TaskRoutes(tasks, people).routes(),
        ],
        middleware=[
            *_cors(settings.cors_origins),
            Middleware(RequestMiddleware, min(settings.max_body_bytes, MAX_BODY_BYTES)),
        ],
        exception_handlers={Problem: problem_handler, HTTPException: problem_handler},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def create_current_app() -> Starlette:
    """Make the app from the environment and the secrets as they are now. Raises
    `config.SettingsError`."""
    config.refresh()
    return create_app(config.settings())


async def _healthz(_request: Request) -> JSONResponse:
    """Say that the process answers. Touches neither the database nor a token."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    """CORS only where no Function URL answers it: two answers at once make browsers refuse both."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["authorization", TOKEN_HEADER, "content-type", "idempotency-key"],
            expose_headers=[REQUEST_ID_HEADER, "retry-after"],
            max_age=600,
        )
    ]
