"""The MCP server: `POST /mcp`, stateless, JSON answers, protocol revisions of both eras.

`initialize`-era requests (up to 2025-11-25) and self-contained ones (2026-07-28) come to the same
endpoint, which the SDK tells apart by the `MCP-Protocol-Version` header. Anything but POST is
turned away before the SDK sees it: a GET of the older era would open an event stream that never
ends, which a function would be billed for until its timeout.
"""

import time
from http import HTTPStatus
from typing import Any, Final

import pydantic_core
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from sidestream import telemetry
from sidestream.config import Settings
from sidestream.i18n import _
from sidestream.identity import Verifier, bearer_token
from sidestream.problem_handlers import method_not_allowed
from sidestream.problems import NotFound, OutcomeUnknown, Problem
from sidestream.request_context import OUTCOME
from sidestream.secret import Secret
from sidestream.telemetry import log_failure
from sidestream.time_zone import time_zone
from sidestream.tool_server.asking import Asked, InputNeeded, Pause, can_ask, state_boundary
from sidestream.tool_server.fields import IdempotencyKey
from sidestream.tool_server.guard import Guard
from sidestream.tool_server.json_rpc import RpcError, read_message
from sidestream.tool_server.media import JSON, check_accept, check_json
from sidestream.tool_server.tools import ToolCall, ToolServer

IDEMPOTENCY_META: Final = "sidestream/idempotency-key"
OUTCOME_META: Final = "sidestream/outcome"
"""In a result: `unknown` when nobody can tell whether the tool had its effect."""

TIME_ZONE_META: Final = "sidestream/time-zone"
"""In a call: the person's zone, by its name in the IANA database. UTC where it is not said."""

HANDSHAKE_VERSIONS: Final = ("2025-06-18", "2025-11-25")
"""Revisions that `initialize` may settle on. The SDK speaks older ones too, which ask for what is
not here: batches (2025-03-26) and a stream of events from GET (2024-11-05)."""
VERSIONS: Final = (*HANDSHAKE_VERSIONS, "2026-07-28")

_VERSION_HEADER: Final = "mcp-protocol-version"
_MAX_VERSION_CHARS: Final = 50
_INVALID: Final = _("The tool was not called in the right way.")
_MORE: Final = _("More has to be known for this.")
_UNANSWERED: Final = _("The question was not answered, so this was not done.")
_USER: Final = "sidestream.user_id"
_DAY_MS: Final = 24 * 3600 * 1000
_KEY: Final = TypeAdapter[str | None](IdempotencyKey | None)
_logger = telemetry.logger("tools")


def create_server[ThingsT](
    server: ToolServer[ThingsT], things: ThingsT, secret: Secret
) -> Server[dict[str, Any]]:
    """Make the server with its tools, and no prompts or resources to advertise. Under the secret,
    it seals what travels with a question."""
    listed = [tool.listed for tool in server.tools]

    async def list_tools(
        _context: ServerRequestContext[dict[str, Any]], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(
        context: ServerRequestContext[dict[str, Any]], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        if params.name not in server.by_name:
            raise MCPError(code=INVALID_PARAMS, message="There is no such tool.")
        started = time.perf_counter()
        result, outcome = await _call(server, things, context, params)
        _logger.info(
            "tool call",
            extra={
                "tool": params.name,
                "outcome": outcome,
                "protocol": context.protocol_version,
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return result

    made = Server(
        server.name,
        version=server.version,
        title=server.title,
        instructions=server.instructions,
        cache_hints={"tools/list": CacheHint(ttl_ms=_DAY_MS, scope="public")},
        get_tool_input_schema={tool.name: tool.input_schema for tool in listed}.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    made.middleware.append(state_boundary(secret, server.name, _USER, server.answer_within_s))
    return made


async def _call[ThingsT](
    server: ToolServer[ThingsT],
    things: ThingsT,
    context: ServerRequestContext[dict[str, Any]],
    params: CallToolRequestParams,
) -> tuple[CallToolResult | InputRequiredResult, str]:
    """Run a tool. What a model can put right is a result that says how, not a protocol error."""
    request: Request | None = context.request
    if request is None:
        raise MCPError(code=INTERNAL_ERROR, message="The call came without its HTTP request.")
    meta = context.meta or {}
    try:
        key = _KEY.validate_python(meta.get(IDEMPOTENCY_META))
    except ValidationError:
        raise MCPError(code=INVALID_PARAMS, message="The idempotency key is malformed.") from None
    asked = Asked.of(params)
    zone = time_zone(meta.get(TIME_ZONE_META))
    page_bytes = request.app.state.page_bytes
    call = ToolCall(request.scope[_USER], key, asked.answers, zone, page_bytes)
    try:
        model, given = server.by_name[params.name].arguments, params.arguments or {}
        arguments = model.model_validate(given, context=zone)
        document = await arguments.run(things, call)
    except ValidationError as error:
        return _failed(_INVALID, _invalid_arguments(params.name, error)), "invalid_arguments"
    except Pause as pause:
        return _paused(pause, asked, context, params.name)
    except NotFound:
        return _failed(server.gone, server.find), NotFound.code
    except OutcomeUnknown as problem:
        request.scope[OUTCOME].failed = True
        return _failed(problem.detail, server.look, {OUTCOME_META: "unknown"}), problem.code
    except Problem as problem:
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            request.scope[OUTCOME].failed = True
        again = "Try again in a moment." if problem.retryable else None
        return _failed(problem.detail, again), problem.code
    except Exception as error:  # the SDK's older path would send the error's text to the client
        request.scope[OUTCOME].failed = True
        log_failure(_logger, "unexpected failure", error)
        return _failed(server.broken, "Do not try again."), "internal"
    text = pydantic_core.to_json(document).decode()
    return CallToolResult(content=[TextContent(text=text)], structured_content=document), "ok"


def _paused(
    pause: Pause, asked: Asked, context: ServerRequestContext[dict[str, Any]], tool: str
) -> tuple[CallToolResult | InputRequiredResult, str]:
    """Ask for what a tool needs, or say that it was not given."""
    if not isinstance(pause, InputNeeded):
        return _failed(_UNANSWERED, "Do not try again unless asked."), "unanswered"
    if can_ask(context):
        return asked.question(pause), "input_required"
    arguments = ", ".join(pause.form.model_fields)
    advice = f"{pause.message} Ask the user, and call {tool} again with {arguments}."
    return _failed(_MORE, advice), "input_missing"


def _failed(
    sentence: str, advice: str | None = None, meta: dict[str, Any] | None = None
) -> CallToolResult:
    """Say on the first line what people may read, which the chat translates, and below it what
    only the model needs."""
    words = "\n".join(filter(None, (sentence, advice)))
    return CallToolResult(content=[TextContent(text=words)], is_error=True, _meta=meta)


def _invalid_arguments(tool: str, error: ValidationError) -> str:
    reasons = [
        f"{'.'.join(_printable(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return f"The arguments of {tool}: {'; '.join(reasons[:5])}. Correct them."


def _printable(part: int | str) -> str:
    return str(part)[:60].encode(errors="replace").decode()


class McpEndpoint:
    """The ASGI app at `/mcp`: who may call, and what never reaches the SDK.

    Takes tool tokens alone. A token issued for another service is refused, as MCP demands
    (Authorization, "Token Audience Binding and Validation").
    """

    def __init__[ThingsT](
        self,
        server: ToolServer[ThingsT],
        things: ThingsT,
        verifier: Verifier,
        secret: Secret,
        settings: Settings,
    ) -> None:
        self._verifier = verifier
        self._guard = Guard(settings.mcp_allowed_hosts, settings.cors_origins)
        self.sessions = StreamableHTTPSessionManager(
            create_server(server, things, secret),
            json_response=True,
            stateless=True,
            max_request_body_size=settings.max_body_bytes,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "POST":
            await method_not_allowed(scope, "POST")(scope, receive, send)
            return
        self._guard.check(request.headers)
        scope[_USER] = await self._verifier.user_id(bearer_token(request.headers))
        check_json(request.headers)
        check_accept(request.headers)
        try:
            message = read_message(await request.body())
            headers = _checked_headers(request.headers, message)
        except RpcError as error:
            await error.response()(scope, receive, send)
            return
        body = pydantic_core.to_json(_agreeable(message))
        await self.sessions.handle_request({**scope, "headers": headers}, _replay(body), send)


def _checked_headers(headers: Headers, message: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Give the headers that the SDK is to see, which tells the eras apart by the version.

    A version that is not kept is refused, but with `initialize`, which settles it. Raises
    `RpcError`.
    """
    method, given = message.get("method"), message.get("id")
    version = headers.get(_VERSION_HEADER)
    unknown = version is not None and version not in VERSIONS
    if version is not None and unknown and method != "initialize":
        data = {"supported": VERSIONS, "requested": version[:_MAX_VERSION_CHARS]}
        raise RpcError(
            UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", given, data=data
        )
    if version == VERSIONS[-1] and method == "subscriptions/listen":
        # The SDK would open a stream for it, which a function does not have.
        raise RpcError(METHOD_NOT_FOUND, "Method not found", given, status=404)
    replaced = {b"accept", b"content-length", b"content-type"}
    if unknown:
        replaced.add(_VERSION_HEADER.encode())
    seen = [(name, value) for name, value in headers.raw if name not in replaced]
    return [*seen, (b"content-type", JSON.encode()), (b"accept", JSON.encode())]


def _agreeable(message: dict[str, Any]) -> dict[str, Any]:
    """Offer our newest version in place of one that is not kept: the SDK would agree to it."""
    params = message.get("params")
    if message.get("method") != "initialize" or not isinstance(params, dict):
        return message
    asked = params.get("protocolVersion")
    if not isinstance(asked, str) or asked in HANDSHAKE_VERSIONS:
        return message
    return {**message, "params": {**params, "protocolVersion": HANDSHAKE_VERSIONS[-1]}}


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
