"""The chat's routes: ChatKit's one endpoint, the plain stream, stop, resume and health."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from chatkit.types import ThreadsSyncCustomActionReq, is_streaming_req
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from sidestream.caller import Caller
from sidestream.chat.files.file_types import EXTENSIONS, IMAGE_TYPES, TEXT_TYPES
from sidestream.chat.health import DATABASE
from sidestream.chat.protocol.requests import idempotency, is_plain, parse, parse_plain, read_body
from sidestream.chat.protocol.streams import EventStream, chatkit_chunks, plain_chunks
from sidestream.chat.runs.begin import Arrival, Conversation
from sidestream.chat.services import Services
from sidestream.chat.timing import STOPWATCH, Stopwatch
from sidestream.headers import RUN_ID, THREAD_ID, TIME_ZONE
from sidestream.health import healthz as answer_healthz
from sidestream.identity import SUBJECT_CLAIM, bearer_token, check_owner, name_in
from sidestream.problems import NotFound
from sidestream.request_context import IS_HEAD, LOCALE, REQUEST_ID, STARTED
from sidestream.streaming.context import lambda_context
from sidestream.time_zone import CLAIM, time_zone

router = APIRouter()


def services_of(request: Request) -> Services:
    """Give the services of the application that serves a request."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


async def wired_services(request: Request) -> Services:
    """Give the same as a dependency: FastAPI runs one that is not `async` in a thread."""
    return services_of(request)


async def caller_of(request: Request) -> Caller:
    """Authenticate a request. Raises `Unauthorized`."""
    with request.scope[STOPWATCH].phase("auth"):
        claims = await services_of(request).verifier.claims(bearer_token(request.headers))
    return Caller(
        user_id=claims["sub"],
        locale=request.scope[LOCALE],
        request_id=request.scope[REQUEST_ID],
        name=name_in(claims),
        time_zone=time_zone(request.headers.get(TIME_ZONE), claims.get(CLAIM)),
        subject=claims.get(SUBJECT_CLAIM),
    )


type Authenticated = Annotated[Caller, Depends(caller_of)]
type Wired = Annotated[Services, Depends(wired_services)]


@router.post("/api/chatkit")
async def chatkit(request: Request, caller: Authenticated, services: Wired) -> Response:
    """Serve a ChatKit request of any type: a stream, or JSON, as its type says."""
    body = await read_body(request)
    return await _answer(request, caller, services, body)


@router.post("/api/{user_id:path}/chat")
async def chat(user_id: str, request: Request, caller: Authenticated, services: Wired) -> Response:
    """Serve a ChatKit request, or a plain message with the plain stream, under a user's path."""
    check_owner(user_id, caller.user_id, caller.subject)
    body = await read_body(request)
    if not is_plain(body):
        return await _answer(request, caller, services, body)
    parsed = parse_plain(body, services.settings)
    assert is_streaming_req(parsed)
    conversation = await services.conversations.begin(
        parsed, caller, idempotency(request, body), _arrival(request, services)
    )
    chunks = plain_chunks(conversation.entries, conversation.thread_id, conversation.ttft_ms)
    return _stream(services, conversation, chunks)


@router.post("/api/chatkit/threads/{thread_id}/stop", status_code=202)
async def stop_run(thread_id: str, caller: Authenticated, services: Wired) -> dict[str, str]:
    """Stop the run in progress in a thread, wherever it runs."""
    return {"run_id": await services.conversations.stop(caller, thread_id), "status": "stopping"}


@router.get("/api/chatkit/threads/{thread_id}/run")
async def current_run(thread_id: str, caller: Authenticated, services: Wired) -> JSONResponse:
    """Tell the newest run of a thread and its status."""
    run = await services.runs.current(caller, thread_id)
    if run is None:
        raise NotFound("There has been no run in this conversation.")
    document = {"run_id": run.run_id, "status": run.status, "last_event": run.last_event}
    return JSONResponse(document)


@router.get("/api/chatkit/runs/{run_id}/events")
async def run_events(
    run_id: str,
    request: Request,
    caller: Authenticated,
    services: Wired,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> Response:
    """Replay the events of a run after number `after`, or `Last-Event-ID`, then follow it until it
    ends.

    A stream that ends while the run goes on (this function's time was up) is to be asked for again.
    """
    conversation = await services.conversations.resume(
        caller,
        run_id,
        after=after if last_event_id is None else last_event_id,
        ends_at=_ends_at(request),
        takes_place=IS_HEAD not in request.scope,
    )
    if IS_HEAD in request.scope:
        return _stream(services, conversation, _nothing())
    return _stream(services, conversation, chatkit_chunks(conversation.entries, at_once=True))


@router.get("/api/chatkit/health")
async def health(services: Wired) -> JSONResponse:
    """Tell what is configured and whether the database answers. Never a secret."""
    settings = services.settings
    database = "reachable" if await services.parts[DATABASE].is_well() else "unreachable"
    has_key = bool(settings.openai_api_key.get_secret_value())
    document = {
        "status": "ok" if database == "reachable" and has_key else "degraded",
        "timestamp": datetime.now(UTC).isoformat(),
        "stage": settings.stage,
        "database": database,
        "model": settings.model,
        "models": settings.allowed_models,
        "api_key": "configured" if has_key else "missing",
        "hosted_workflow": bool(settings.openai_chatkit_workflow_id),
        "attachments": {
            "max_count": settings.max_attachments,
            "max_bytes": settings.max_attachment_bytes,
            "types": sorted(IMAGE_TYPES | TEXT_TYPES),
            "extensions": EXTENSIONS,
        }
        if settings.attachments_bucket
        else None,
        "dictation": settings.dictation,
        "scripted": settings.scripted_model,
    }
    return JSONResponse(document)


@router.get("/healthz")
async def healthz(request: Request, services: Wired) -> JSONResponse:
    """Answer without touching anything, for warm-up and probes; with `deep`, for monitoring."""
    return await answer_healthz(request, services.parts)


async def _answer(request: Request, caller: Caller, services: Services, body: bytes) -> Response:
    parsed = parse(body, services.settings, services.registry.offered())
    if isinstance(parsed, ThreadsSyncCustomActionReq):
        arrival = _arrival(request, services)
        done = await services.conversations.act(parsed, caller, idempotency(request, body), arrival)
        return JSONResponse(done)
    if not is_streaming_req(parsed):
        document = await services.server.answer(parsed, caller)
        return Response(document, media_type="application/json")
    conversation = await services.conversations.begin(
        parsed, caller, idempotency(request, body), _arrival(request, services)
    )
    return _stream(services, conversation, chatkit_chunks(conversation.entries))


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


def _stream(
    services: Services, conversation: Conversation, chunks: AsyncIterator[bytes]
) -> EventStream:
    headers = {RUN_ID: conversation.run_id, THREAD_ID: conversation.thread_id}
    until = conversation.live.wait if conversation.live else None
    return EventStream(chunks, beat_s=services.settings.stream_beat_s, headers=headers, until=until)


def _arrival(request: Request, services: Services) -> Arrival:
    context = lambda_context(request.scope)
    cold, services.cold = services.cold, False
    stopwatch: Stopwatch = request.scope[STOPWATCH]
    stopwatch.cold_start = context.cold_start if context else cold
    return Arrival(
        started=request.scope[STARTED],
        ends_at=_ends_at(request),
        cold_start=stopwatch.cold_start,
        stopwatch=stopwatch,
    )


def _ends_at(request: Request) -> float | None:
    """When Lambda cuts this request off, by `time.monotonic`."""
    context = lambda_context(request.scope)
    return time.monotonic() + context.remaining_ms() / 1000 if context else None
