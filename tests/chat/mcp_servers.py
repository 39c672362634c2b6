"""MCP servers that somebody else wrote, as far as the chat can tell: one that is made with the MCP
SDK, as its documentation says, and one that answers whatever a test wants."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.asgi_server import serve

type Message = dict[str, Any]


class Library:
    """Books that can be found, and burnt. It keeps the headers of each request that it gets, and
    `only_handshakes` makes it one of before 2026-07-28."""

    def __init__(self, *, only_handshakes: bool = False) -> None:
        self.only_handshakes = only_handshakes
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        """The method and the headers of each request, in their order."""
        self.burnt: list[str] = []
        server = MCPServer("library")

        @server.tool()
        def find_book(title: str) -> dict[str, Any]:
            """Find a book by its title."""
            return {"title": title, "shelf": 7}

        @server.tool()
        def burn_book(title: str) -> str:
            """Burn a book. It does not come back."""
            self.burnt.append(title)
            return f"{title} is ashes"

        self._app = server.streamable_http_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, as an ASGI app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((json.loads(body)["method"], headers))
        if self.only_handshakes and headers.get("mcp-protocol-version") == "2026-07-28":
            refusal = PlainTextResponse("Bad Request: Missing session ID", 400)
            await refusal(scope, receive, send)
            return

        whole = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return whole.pop() if whole else await receive()

        await self._app(scope, again, send)

    def methods(self) -> list[str]:
        """The methods that were asked for."""
        return [method for method, _headers in self.requests]


class Stranger:
    """Answers each request with what `answer` makes of its message: a JSON-RPC result, or a whole
    response."""

    def __init__(self, answer: Callable[[Message], Message | Response]) -> None:
        self._answer = answer
        self.messages: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, as an ASGI app."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = json.loads(await Request(scope, receive).body())
        self.messages.append(message)
        answer = self._answer(message)
        if not isinstance(answer, Response):
            document = {"jsonrpc": "2.0", "id": message.get("id"), "result": answer}
            answer = Response(json.dumps(document), media_type="application/json")
        await answer(scope, receive, send)


def tool(name: str, **changes: Any) -> Message:
    """A tool as a server lists it."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    return {"name": name, "description": "Do it.", "inputSchema": schema, **changes}


@asynccontextmanager
async def at(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve an app. Gives the URL of its MCP endpoint."""
    async with serve(app, port=port) as url:
        yield f"{url}/mcp"
