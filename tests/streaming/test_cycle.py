"""The response's state machine and its bytes on the wire, against a Runtime API that shows both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sidestream.streaming.asgi import App, Message, Receive, Scope, Send
from sidestream.streaming.context import CONTEXT_KEY, END_KEY, LambdaContext
from sidestream.streaming.errors import NoResponseError, ResponseClosedError
from sidestream.streaming.http11 import Connection
from sidestream.streaming.poller import Poller
from sidestream.streaming.settings import Settings

from .lambda_fake import EVENT, FakeLambda, Post

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
PRELUDE = (
    b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}'
    + b"\0" * 8
)


def body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


@asynccontextmanager
async def polling(fake: FakeLambda, app: App, **env: str) -> AsyncIterator[None]:
    settings = Settings.from_environ({"AWS_LAMBDA_RUNTIME_API": fake.address, **env})
    poller = asyncio.create_task(Poller(settings, app, {}, lambda: True).run())
    try:
        yield
    finally:
        poller.cancel()
        await asyncio.wait({poller})


async def answer(fake: FakeLambda, app: App, event: object = EVENT, **env: str) -> Post:
    """What one invocation of ``app`` posts."""
    async with polling(fake, app, **env):
        fake.invoke(event)
        return await fake.finished()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[bytes]:
    """What the runtime hands to the kernel for its POSTs, one item per call."""
    handed: asyncio.Queue[bytes] = asyncio.Queue()
    write = Connection.write

    def spy(connection: Connection, data: bytes) -> None:
        if not data.startswith(b"GET "):
            handed.put_nowait(data)
        write(connection, data)

    monkeypatch.setattr(Connection, "write", spy)
    return handed


class TestWrites:
    async def test_each_chunk_is_one_write(
        self, fake: FakeLambda, writes: asyncio.Queue[bytes]
    ) -> None:
        leave = asyncio.Semaphore(0)

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            for word in (b"one", b"two"):
                await leave.acquire()
                await send(body(word))
            await leave.acquire()
            await send(body(b"", more=False))

        async with polling(fake, app):
            fake.invoke()
            head = await writes.get()
            assert head.endswith(b"\r\n\r\n%x\r\n%b\r\n" % (len(PRELUDE), PRELUDE))
            for write in (b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"):
                leave.release()
                assert await writes.get() == write
            await fake.finished()

    async def test_a_first_piece_at_hand_shares_the_first_write(
        self, fake: FakeLambda, writes: asyncio.Queue[bytes]
    ) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"one"))
            await asyncio.Event().wait()

        async with polling(fake, app):
            fake.invoke()
            first = await writes.get()
        assert first.endswith(PRELUDE + b"\r\n3\r\none\r\n")

    async def test_a_small_response_is_one_write(
        self, fake: FakeLambda, writes: asyncio.Queue[bytes]
    ) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"all", more=False))

        await answer(fake, app)
        assert writes.qsize() == 1
        assert writes.get_nowait().endswith(PRELUDE + b"\r\n3\r\nall\r\n0\r\n\r\n")

    async def test_a_large_piece_is_split(
        self, fake: FakeLambda, writes: asyncio.Queue[bytes]
    ) -> None:
        data = bytes(1_000_000)

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(data, more=False))

        post = await answer(fake, app)
        assert post.payload == data
        assert post.body == PRELUDE + data
        assert writes.qsize() == 4

    async def test_empty_pieces_are_left_out(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            for word in (b"", b"one", b"", b"two"):
                await send(body(word))
            await send(body(b"", more=False))

        assert (await answer(fake, app)).payload == b"onetwo"

    async def test_headers_that_make_it_a_stream(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"all", more=False))

        post = await answer(fake, app)
        assert post.target == "/2018-06-01/runtime/invocation/request-1/response"
        expected = {
            "lambda-runtime-function-response-mode": "streaming",
            "transfer-encoding": "chunked",
            "content-type": "application/vnd.awslambda.http-integration-response",
            "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
            "lambda-runtime-invocation-id": "invocation-1",
            "connection": "close",
        }
        assert expected.items() <= post.headers.items()

    async def test_a_head_request_gets_no_body(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"x" * 1000, more=False))

        http = {**EVENT["requestContext"]["http"], "method": "HEAD"}
        event = {**EVENT, "requestContext": {"http": http}}
        assert (await answer(fake, app, event)).payload == b"\n"


class TestErrors:
    async def test_no_response(self, fake: FakeLambda) -> None:
        async def app(*_: Any) -> None:
            pass

        post = await answer(fake, app)
        assert post.target == "/2018-06-01/runtime/invocation/request-1/error"
        assert post.headers["lambda-runtime-function-error-type"] == "Function.NoResponse"
        assert post.headers["lambda-runtime-invocation-id"] == "invocation-1"

    @pytest.mark.parametrize(
        "messages",
        [
            [body(b"before start")],
            [START, START],
            [{"type": "http.response.pathsend", "path": "/etc/passwd"}],
        ],
    )
    async def test_messages_out_of_turn(self, fake: FakeLambda, messages: list[Message]) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            for message in messages:
                await send(message)

        post = await answer(fake, app)
        assert post.headers["lambda-runtime-function-error-type"] == "Function.RuntimeError"

    async def test_sending_after_the_end(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"all", more=False))
            with pytest.raises(ResponseClosedError):
                await send(body(b"more"))

        assert (await answer(fake, app)).payload == b"all"

    async def test_an_app_that_cancels_itself(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"part"))
            await asyncio.sleep(0.01)
            raise asyncio.CancelledError

        post = await answer(fake, app)
        assert post.trailers["lambda-runtime-function-error-type"] == "Function.CancelledError"

    async def test_a_refusal_midway_stops_the_app(self, fake: FakeLambda) -> None:
        seen: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

        async def app(_: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(START)
            await send(body(b"part"))
            assert (await receive())["type"] == "http.disconnect"
            try:
                await send(body(b"more"))
            except OSError as error:
                seen.set_result(error)

        async with polling(fake, app):
            fake.invoke()
            (await fake.post()).refuse(413)
            assert isinstance(await seen, ResponseClosedError)
            fake.invoke()
            await fake.post(1)


class TestEnd:
    async def test_it_ends_the_response_but_not_the_work(self, fake: FakeLambda) -> None:
        saved = asyncio.Event()
        leave = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(START)
            await send(body(b"part"))
            await scope[END_KEY]()
            assert (await receive())["type"] == "http.disconnect"
            with pytest.raises(ResponseClosedError):
                await send(body(b"more"))
            await leave.wait()
            saved.set()

        async with polling(fake, app):
            fake.invoke()
            post = await fake.finished()
            assert (post.payload, post.trailers) == (b"part", {})
            assert len(fake.gets) == 1
            leave.set()
            await saved.wait()

    async def test_twice_is_once(self, fake: FakeLambda) -> None:
        async def app(scope: Scope, _: Receive, send: Send) -> None:
            await send(START)
            await scope[END_KEY]()
            await scope[END_KEY]()

        post = await answer(fake, app)
        assert (post.payload, post.trailers) == (b"\n", {})

    async def test_without_a_response_there_is_nothing_to_end(self, fake: FakeLambda) -> None:
        async def app(scope: Scope, _: Receive, send: Send) -> None:
            with pytest.raises(NoResponseError):
                await scope[END_KEY]()
            await send(START)
            await send(body(b"all", more=False))

        assert (await answer(fake, app)).payload == b"all"

    async def test_returning_ends_a_started_response(self, fake: FakeLambda) -> None:
        async def app(_: Scope, __: Receive, send: Send) -> None:
            await send(START)
            await send(body(b"part"))

        post = await answer(fake, app)
        assert (post.payload, post.trailers) == (b"part", {})


class TestDeadline:
    async def test_before_a_response_it_is_an_error(self, fake: FakeLambda) -> None:
        fake.deadline_s = 0.2

        async def app(*_: Any) -> None:
            await asyncio.Event().wait()

        post = await answer(fake, app)
        assert post.target.endswith("/error")
        assert post.headers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"

    async def test_a_margin_of_zero_leaves_it_to_lambda(self, fake: FakeLambda) -> None:
        fake.deadline_s = 0.1

        async def app(_: Scope, __: Receive, send: Send) -> None:
            await asyncio.sleep(0.2)
            await send(START)
            await send(body(b"late", more=False))

        post = await answer(fake, app, STREAM_DEADLINE_MARGIN_MS="0")
        assert post.payload == b"late"


class TestOtherEvents:
    @pytest.mark.parametrize("event", [{"source": "aws.events"}, [], None, "text", {}])
    async def test_are_acknowledged(self, fake: FakeLambda, event: object) -> None:
        post = await answer(fake, _unused, event)
        assert post.target.endswith("/response")
        assert post.body == b"null"
        assert "lambda-runtime-function-response-mode" not in post.headers

    @pytest.mark.parametrize("event", [b"{", {**EVENT, "body": "*", "isBase64Encoded": True}])
    async def test_that_cannot_be_read_are_errors(self, fake: FakeLambda, event: object) -> None:
        post = await answer(fake, _unused, event)
        assert post.target.endswith("/error")
        assert post.headers["lambda-runtime-function-error-type"] == "Runtime.UnmarshalError"

    @pytest.mark.parametrize(
        "event", [{"rawPath": "/healthz"}, {"httpMethod": "GET", "path": "/healthz"}]
    )
    async def test_a_short_probe_is_a_request(self, fake: FakeLambda, event: object) -> None:
        async def app(scope: Scope, _: Receive, send: Send) -> None:
            await send(START)
            await send(body(f"{scope['method']} {scope['path']}".encode(), more=False))

        assert (await answer(fake, app, event)).payload == b"GET /healthz"


async def test_the_context_has_what_lambda_sent(fake: FakeLambda) -> None:
    contexts: list[LambdaContext] = []
    app = _seeing(lambda scope: contexts.append(scope[CONTEXT_KEY]))
    async with polling(fake, app, AWS_LAMBDA_FUNCTION_NAME="f"):
        fake.invoke(
            lambda_runtime_client_context='{"custom": {"a": 1}}',
            lambda_runtime_cognito_identity="not json",
            lambda_runtime_aws_tenant_id="blue",
        )
        await fake.finished()
    context = contexts[0]
    assert context.client_context == {"custom": {"a": 1}}
    assert context.identity is None
    assert context.tenant_id == "blue"
    assert context.function_name == "f"
    assert 0 < context.get_remaining_time_in_millis() <= 60_000


async def _unused(*_: Any) -> None:
    raise AssertionError("the app must not run")


def _seeing(look: Callable[[Scope], None]) -> Callable[..., Coroutine[Any, Any, None]]:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        look(scope)
        await send(START)
        await send(body(b"seen", more=False))

    return app
