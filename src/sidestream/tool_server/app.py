"""The ASGI app of a domain's function, the same under uvicorn and on Lambda."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sidestream import i18n
from sidestream.config import Settings
from sidestream.headers import BODY_HASH, TIME_ZONE, TOOLS_EXPOSE
from sidestream.health import Part, healthz
from sidestream.identity import TOKEN_HEADER, Verifier
from sidestream.problem_handlers import PROBLEM_HANDLERS
from sidestream.request_context import RequestContext
from sidestream.signing_key import tool_key
from sidestream.store.database import Database
from sidestream.telemetry import logger
from sidestream.tool_server.endpoint import McpEndpoint
from sidestream.tool_server.pages import MAX_PAGE_BYTES
from sidestream.tool_server.tools import ToolServer

MAX_BODY_BYTES: Final = 128 * 1024
"""More than the longest thing of a domain takes with every character escaped."""


def create_app[ThingsT](
    server: ToolServer[ThingsT],
    make_things: Callable[[Database], ThingsT],
    make_routes: Callable[[ThingsT, Verifier], Sequence[Route]],
    settings: Settings,
    database: Database | None = None,
) -> Starlette:
    """Make the app of a domain: its tools at `/mcp`, its REST routes, and `/healthz`.

    `make_things` gives the repository that the tools and the routes work on, `make_routes` the
    routes, which take the tokens that their verifier knows. The app's lifespan opens and closes
    the database and fetches the sign-in keys.
    """
    if server.catalogues is not None:
        i18n.add(server.catalogues)
    i18n.load()
    database = database or Database(
        settings.secret("database_url"),
        max_size=settings.database_pool_max,
        timeout_s=settings.database_timeout_s,
    )
    things = make_things(database)
    people = Verifier(settings.auth_issuers, stale_s=settings.auth_keys_stale_s)
    secret = settings.secret("tool_signing_key")
    parts = {
        "database": Part("database", database.answers, every_s=5),
        "sign_in_keys": Part("keys", people.has_keys, every_s=30),
    }

    async def answer_healthz(request: Request) -> JSONResponse:
        return await healthz(request, parts)

    mcp = McpEndpoint(server, things, Verifier(keys=[tool_key(secret)]), secret, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.gather(database.open(), people.prefetch())
        try:
            async with mcp.sessions.run():
                yield
        finally:
            await asyncio.gather(people.close(), database.close())

    app = Starlette(
        routes=[
            Route("/healthz", answer_healthz),
            Route("/mcp", mcp),
            *make_routes(things, people),
        ],
        middleware=[
            *_cors(settings.cors_origins),
            Middleware(
                RequestContext,
                logger("tools"),
                min(settings.max_body_bytes, MAX_BODY_BYTES),
                stage=settings.stage,
                language=i18n.negotiate,
                follows=True,
            ),
        ],
        exception_handlers=PROBLEM_HANDLERS,
        lifespan=lifespan,
    )
    app.state.page_bytes = min(settings.max_page_bytes, MAX_PAGE_BYTES)
    app.router.redirect_slashes = False
    return app


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    """CORS only where no Function URL answers it: two answers at once make browsers refuse both."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[
                "authorization",
                TOKEN_HEADER,
                "content-type",
                "idempotency-key",
                BODY_HASH,
                TIME_ZONE,
            ],
            expose_headers=TOOLS_EXPOSE,
            max_age=600,
        )
    ]
