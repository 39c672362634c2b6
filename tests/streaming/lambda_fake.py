"""A Runtime API of a few lines, for what the emulator does not show."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11

_PATIENCE_S = 20

EVENT: dict[str, Any] = {
    "version": "2.0",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {"host": "abc.lambda-url.eu-west-1.on.aws"},
    "requestContext": {"http": {"method": "GET", "path": "/", "sourceIp": "192.0.2.1"}},
    "isBase64Encoded": False,
}


@dataclass
class Post:
    """A POST as it came in."""

    target: str
    headers: dict[str, str]
    connection: int
    writer: asyncio.StreamWriter
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def refuse(self, status: int) -> None:
        """Answer at once, in the middle of the request."""
        self.writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n".encode())

    @property
    def prelude(self) -> dict[str, Any]:
        prelude: dict[str, Any] = json.loads(self.body.partition(b"\0" * 8)[0])
        return prelude

    @property
    def payload(self) -> bytes:
        return self.body.partition(b"\0" * 8)[2]


class FakeLambda:
    """Gives out the events put into it, keeps the posts, answers each with ``post_status``."""

    def __init__(self) -> None:
        self.address = ""
        self.post_status = 202
        self.next_status = 200
        self.deadline_s = 60.0
        self.closes_after_next = False
        self.drops_second_request = False
        """Whether a connection that is used again is closed without an answer."""
        self.posts: list[Post] = []
        self.gets: list[tuple[int, str]] = []
        """The connection's number and the path of every GET."""
        self._connections = 0
        self._server: asyncio.Server | None = None
        self._events: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()
        self._arrived = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def invoke(self, event: object = EVENT, **headers: str) -> None:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._events.put_nowait((body, {k.replace("_", "-"): v for k, v in headers.items()}))

    async def post(self, number: int = 0) -> Post:
        """The post of that number, from when its headers are there."""
        async with asyncio.timeout(_PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.posts) > number)
        return self.posts[number]

    async def finished(self, number: int = 0) -> Post:
        """The post of that number, once it has come whole."""
        post = await self.post(number)
        async with asyncio.timeout(_PATIENCE_S):
            await post.complete.wait()
        return post

    async def polled(self, times: int) -> None:
        """Return once there were that many GETs."""
        async with asyncio.timeout(_PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.gets) >= times)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            await self.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer, self._connections)
        except (OSError, asyncio.CancelledError, h11.RemoteProtocolError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        peer = h11.Connection(h11.SERVER)
        served = 0
        while True:
            request = await self._event(peer, reader)
            if not isinstance(request, h11.Request):
                return
            served += 1
            if served > 1 and self.drops_second_request:
                return
            headers = {k.decode(): v.decode() for k, v in request.headers}
            post = Post(request.target.decode(), headers, number, writer)
            if request.method == b"POST":
                async with self._arrived:
                    self.posts.append(post)
                    self._arrived.notify_all()
            while not isinstance(event := await self._event(peer, reader), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return
                post.body += event.data
            post.trailers = {k.decode(): v.decode() for k, v in event.headers}
            post.complete.set()
            if request.method == b"POST":
                await self._reply(peer, writer, self.post_status, {}, b'{"status":"OK"}')
            else:
                async with self._arrived:
                    self.gets.append((number, post.target))
                    self._arrived.notify_all()
                await self._next(peer, writer, post)
                if self.closes_after_next:
                    return
            if peer.our_state is not h11.DONE or peer.their_state is not h11.DONE:
                return
            peer.start_next_cycle()

    async def _next(self, peer: h11.Connection, writer: asyncio.StreamWriter, get: Post) -> None:
        if self.next_status != 200:
            await self._reply(peer, writer, self.next_status, {}, b"{}")
            return
        if get.target.endswith("/restore/next"):
            await self._reply(peer, writer, 200, {}, b"{}")
            return
        body, extra = await self._events.get()
        number = len(self.gets)
        headers = {
            "lambda-runtime-aws-request-id": f"request-{number}",
            "lambda-runtime-deadline-ms": str(int((time.time() + self.deadline_s) * 1000)),
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:1:function:f",
            "lambda-runtime-trace-id": f"Root=1-{number}",
            "lambda-runtime-invocation-id": f"invocation-{number}",
        }
        await self._reply(peer, writer, 200, headers | extra, body)

    @staticmethod
    async def _event(peer: h11.Connection, reader: asyncio.StreamReader) -> object:
        while (event := peer.next_event()) is h11.NEED_DATA:
            peer.receive_data(await reader.read(1 << 20))
        return event

    @staticmethod
    async def _reply(
        peer: h11.Connection,
        writer: asyncio.StreamWriter,
        status: int,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        pairs = [*headers.items(), ("content-length", str(len(body)))]
        response = h11.Response(status_code=status, headers=pairs)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(peer.send(event) or b"")
        await writer.drain()


@asynccontextmanager
async def fake_lambda() -> AsyncIterator[FakeLambda]:
    fake = FakeLambda()
    await fake.listen()
    try:
        yield fake
    finally:
        await fake.stop_listening()
