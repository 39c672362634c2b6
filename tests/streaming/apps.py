"""The functions under test. They run in processes of their own, so they talk to the test by TCP."""

import asyncio
import base64
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from sidestream.streaming import lambda_context
from sidestream.streaming.context import request_id, trace_id

type Endpoint = Callable[[Request], Awaitable[Response]]

PROCESS: dict[str, Any] = {"background_done": 0, "cold_starts": []}


class Line:
    """The app's end of a connection to the test: bytes come in as leave to go on, words go out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, request: Request) -> "Line":
        port = int(request.query_params["line"])
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def wait(self) -> None:
        await self._reader.readexactly(1)

    def say(self, word: str) -> None:
        self._writer.write(f"{word}\n".encode())


class SecretError(Exception):
    pass


async def hello(request: Request) -> Response:
    context = lambda_context(request.scope)
    if context is None:
        return JSONResponse({"lambda": False, "state": request.state.started})
    return JSONResponse(
        {
            "lambda": True,
            "pid": os.getpid(),
            "state": request.state.started,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "cookies": request.cookies,
            "header": request.headers.getlist("x-test"),
            "body": base64.b64encode(await request.body()).decode(),
            "client": request.client.host if request.client else None,
            "request_id": context.aws_request_id,
            "remaining_ms": context.remaining_ms(),
            "arn": context.invoked_function_arn,
            "trace_id": context.trace_id,
            "trace_variable": os.environ.get("_X_AMZN_TRACE_ID"),
            "cold_start": context.cold_start,
            "function_name": context.function_name,
            "event_version": request.scope["aws.event"].get("version"),
            "background_done": PROCESS["background_done"],
            "sys_path": sys.path,
        }
    )


async def gated(request: Request) -> Response:
    """Sends each word when it is let, and says who it is in every one."""
    line = await Line.open(request)

    async def words() -> AsyncIterator[str]:
        for number in range(int(request.query_params.get("count", "3"))):
            await line.wait()
            logging.getLogger("apps").warning("word %d", number)
            yield f"{number} {request_id.get()} {trace_id.get()}\n"

    return StreamingResponse(words(), media_type="text/event-stream")


async def fails_midway(_: Request) -> Response:
    async def words() -> AsyncIterator[str]:
        yield "one\n"
        await asyncio.sleep(0)
        yield "two\n"
        raise SecretError("sk-secret")

    return StreamingResponse(words())


async def fails_before_start(*_: Any) -> None:
    raise SecretError("sk-secret")


async def fails_at_start(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise SecretError("sk-secret")


async def fails_in_framework(_: Request) -> Response:
    raise SecretError("sk-secret")


async def headers(request: Request) -> Response:
    response = Response(b"body")
    response.raw_headers += [
        (b"set-cookie", b"a=1; Path=/"),
        (b"set-cookie", b"b=2; Path=/"),
        (b"x-list", b"one"),
        (b"x-list", b"two"),
        (b"x-latin", "caf\u00e9".encode("latin-1")),
        (b"access-control-allow-origin", b"*"),
    ]
    kind = request.query_params.get("kind")
    if kind == "nul":
        response.raw_headers.append((b"x-bad", b"a\0b"))
    if kind == "large":
        response.raw_headers.append((b"x-large", b"x" * 16384))
    return response


async def empty(request: Request) -> Response:
    status = int(request.path_params["status"])
    return RedirectResponse("/hello", status) if status == 307 else Response(status_code=status)


async def large(request: Request) -> Response:
    piece = bytes(range(256)) * 4096
    count = int(request.query_params["mib"])

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def until_disconnect(scope: Any, receive: Any, send: Any) -> None:
    """Sends until it is told to stop, and tells the test how that came about."""
    line = await Line.open(Request(scope))
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    told = asyncio.ensure_future(receive())
    try:
        while not told.done():
            await send({"type": "http.response.body", "body": b"x" * 1024, "more_body": True})
            await asyncio.wait({told}, timeout=0.01)
        line.say(told.result()["type"])
    except OSError:
        line.say((await told)["type"])


async def until_cancelled(scope: Any, receive: Any, send: Any) -> None:
    """Never asks whether it should stop."""
    line = await Line.open(Request(scope))
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 1024, "more_body": True})
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        line.say("cancelled")
        raise


async def until_deadline(request: Request) -> Response:
    """A run of a conversation: its partial answer has to be saved whatever happens."""
    line = await Line.open(request)

    async def words() -> AsyncIterator[str]:
        try:
            yield "partial\n"
            await asyncio.sleep(60)
        finally:
            line.say("saved")

    return StreamingResponse(words())


async def last_words(_: Any, receive: Any, send: Any) -> None:
    """Uses the margin before the deadline to end its response itself."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"partial\n", "more_body": True})
    await receive()
    await send({"type": "http.response.body", "body": b"timeout\n"})


async def stubborn(_: Any, receive: Any, send: Any) -> None:
    """Goes on through every hint and cancellation."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"partial\n", "more_body": True})
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            continue


async def stopped(request: Request) -> Response:
    """Passes on what a model says until the test sets the stop flag."""
    line = await Line.open(request)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(request.query_params["upstream"])
    )

    async def words() -> AsyncIterator[bytes]:
        async def stop() -> None:
            await line.wait()
            await request.scope["aws.end"]()

        stopping = asyncio.create_task(stop())
        try:
            while word := await reader.readline():
                yield word
        finally:
            writer.close()
            stopping.cancel()
            line.say("saved")

    return StreamingResponse(words())


async def background(request: Request) -> Response:
    line = await Line.open(request)

    async def work() -> None:
        await line.wait()
        PROCESS["background_done"] += 1

    return JSONResponse({"ok": True}, background=BackgroundTask(work))


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    print("lifespan started")  # noqa: T201
    yield {"started": "yes"}
    print("lifespan stopped")  # noqa: T201


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/hello", hello, methods=["GET", "POST"]),
        Route("/a b/{rest}", hello),
        Route("/gated", gated),
        Route("/fails-midway", fails_midway),
        Route("/fails-in-framework", fails_in_framework),
        Route("/headers", headers),
        Route("/empty/{status}", empty),
        Route("/large", large),
        Route("/until-deadline", until_deadline),
        Route("/stopped", stopped),
        Route("/background", background),
    ],
)

_RAW = {
    "/fails-before-start": fails_before_start,
    "/fails-at-start": fails_at_start,
    "/until-disconnect": until_disconnect,
    "/until-cancelled": until_cancelled,
    "/last-words": last_words,
    "/stubborn": stubborn,
}


async def main(scope: Any, receive: Any, send: Any) -> None:
    """The handler: plain ASGI for what a framework would smooth over, Starlette for the rest."""
    await _RAW.get(scope.get("path", ""), app)(scope, receive, send)


async def never_ready(_: Any, receive: Any, send: Any) -> None:
    """Its startup fails, and says why to those who read its log."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "The setting X is missing."})


async def never_ready_and_says_so(_: Any, receive: Any, send: Any) -> None:
    """Its startup fails, and says why to Lambda too."""
    await receive()
    failed = {"type": "lifespan.startup.failed", "message": "The setting X is missing."}
    await send({**failed, "reportable": True})


def factory() -> Starlette:
    return app


not_an_app = "text"
