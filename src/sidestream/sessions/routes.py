"""The issuer's routes, mounted by the chat, so that the request which the page makes on load warms
the function that will answer the first message.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import JSONResponse

from sidestream.config import ChatSettings
from sidestream.identity import SUBJECT_CLAIM, Verifier, bearer_token, check_owner
from sidestream.issuer import SESSION_ISSUER
from sidestream.problems import Unauthorized
from sidestream.sessions.hosted import HostedIssuer
from sidestream.sessions.session import Issuer, SelfHostedIssuer, Session
from sidestream.signing_key import SigningKey


def session_routes(settings: ChatSettings, verifier: Verifier, key: SigningKey) -> APIRouter:
    """Give the routes. `verifier` knows both the identity providers and the session key `key`; the
    app turns `Problem` into a response. What they hold open is closed with the app's lifespan.

    Each answers `{client_secret, session_id, expires_at}` with `expires_at` in epoch seconds.
    """
    issuer = _issuer(settings, key)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await issuer.close()

    router = APIRouter(lifespan=lifespan)

    async def create(request: Request, user_id: str | None = None) -> JSONResponse:
        claims = await _claims(request, verifier)
        if _is_session(claims):
            raise Unauthorized("A session starts with a sign-in token.")
        if user_id is not None:
            check_owner(user_id, claims["sub"], claims.get(SUBJECT_CLAIM))
        return _answer(await issuer.create(claims))

    @router.post("/api/chatkit/session")
    async def session(request: Request) -> JSONResponse:
        """Start a session. Needs an identity provider's token."""
        return await create(request)

    @router.post("/api/{user_id:path}/chat/session")
    async def session_of_user(request: Request, user_id: str) -> JSONResponse:
        """The same under the person's own path."""
        return await create(request, user_id)

    @router.post("/api/chatkit/refresh")
    async def refresh(request: Request) -> JSONResponse:
        """Get a fresh secret. Needs a session token that is still valid, or an identity provider's
        token, which starts a new session."""
        claims = await _claims(request, verifier)
        if _is_session(claims):
            return _answer(await issuer.refresh(claims))
        return _answer(await issuer.create(claims))

    return router


def _issuer(settings: ChatSettings, key: SigningKey) -> Issuer:
    if settings.openai_chatkit_workflow_id:
        return HostedIssuer(settings)
    return SelfHostedIssuer(key, settings.session_max_age_s)


async def _claims(request: Request, verifier: Verifier) -> dict[str, Any]:
    return await verifier.claims(bearer_token(request.headers))


def _is_session(claims: dict[str, Any]) -> bool:
    return bool(claims["iss"] == SESSION_ISSUER)


def _answer(session: Session) -> JSONResponse:
    return JSONResponse(asdict(session), headers={"cache-control": "no-store"})
