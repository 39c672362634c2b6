"""The plain way to serve ChatKit, which `run_overhead.py` measures ours against.

What the SDKs' own examples do: `ChatKitServer.process` over a store with one query for each of its
calls, and an agent that connects to the MCP server in every run. Database, model, task server,
sign-in and instructions are the same as ours.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import Agent, OpenAIProvider, Runner
from agents.mcp import MCPServerStreamableHttp
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sidestream.caller import Caller
from sidestream.chat.model.agent import run_config
from sidestream.chat.model.provider import build_client
from sidestream.config import ChatSettings
from sidestream.domain import load
from sidestream.identity import Verifier, bearer_token
from sidestream.signing_key import tool_key
from sidestream.store.database import Database
from sidestream.store.threads import PostgresStore


class PlainServer(ChatKitServer[Caller]):
    """ChatKit's server as its documentation has it."""

    def __init__(self, database: Database, settings: ChatSettings) -> None:
        super().__init__(PostgresStore(database))
        self._settings = settings
        self._instructions = load(settings.domain).instructions
        self._key = tool_key(settings.tool_signing_key.get_secret_value())
        self._provider = OpenAIProvider(
            openai_client=build_client(settings), use_responses=settings.model_api == "responses"
        )

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Caller
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Answer with an agent that has the tool server's tools."""
        assert input_user_message is not None
        token, _expiry = self._key.mint(context.user_id)
        mcp = MCPServerStreamableHttp(
            params={
                "url": str(self._settings.tools_mcp_url),
                "headers": {"Authorization": f"Bearer {token}"},
            }
        )
        async with mcp:
            page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
            result = Runner.run_streamed(
                Agent(name="Plain", instructions=self._instructions, mcp_servers=[mcp]),
                await simple_to_agent_input(page.data[::-1]),
                run_config=run_config(self._provider, self._settings.model, None),
            )
            agent_context = AgentContext[Caller](
                thread=thread, store=self.store, request_context=context
            )
            async for event in stream_agent_response(agent_context, result):
                yield event


def create_app() -> Starlette:
    """Build the application, with the settings of the environment (uvicorn's `--factory`)."""
    settings = ChatSettings.load()
    database = Database(settings.database_url.get_secret_value())
    verifier = Verifier(settings.auth_issuers)
    server = PlainServer(database, settings)

    async def chatkit(request: Request) -> Response:
        caller = Caller(await verifier.user_id(bearer_token(request.headers)))
        result = await server.process(await request.body(), caller)
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await database.open()
        await verifier.prefetch()
        yield
        await database.close()

    return Starlette(routes=[Route("/api/chatkit", chatkit, methods=["POST"])], lifespan=lifespan)
