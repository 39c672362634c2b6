"""A further MCP server beside the domain's own (`MCP_SERVERS`), as a source of tools.

Its tools are listed when the function starts, and again in the background while it serves: a run
never waits for that. A list that cannot be had costs this server's tools alone, and once there is
one it stays until the next is there, so a server that goes down fails only its calls.

    NEVER LISTED ----listed----> LISTED ----a while later----> LISTED, newer
        |   ^                                     |
        |   | soon after                          +-- cannot be had: the old list stays,
        +---+ the model is told                       and is looked at again soon

The time of the next look is by the wall clock and looked at when a run begins: a process that was
frozen or restored in between has no timer that could be wrong.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import httpx2

from sidestream import reasons
from sidestream.chat.context import RunContext
from sidestream.chat.tools import strangers
from sidestream.chat.tools.elicitation import Answers
from sidestream.chat.tools.handshake import HandshakeClient
from sidestream.chat.tools.server import McpClient, ToolResult
from sidestream.chat.tools.signing import UrlSigner
from sidestream.chat.tools.sources import OfferedTool
from sidestream.chat.tools.wire import ToolServerError
from sidestream.config import ChatSettings
from sidestream.domain import RESULTS, Row, Tool, policy_of, readable
from sidestream.i18n import Plural
from sidestream.mcp_server import McpServer
from sidestream.model_key import ModelKey
from sidestream.reasons import Reason, report
from sidestream.signing_key import tool_key

_START_WAIT_S: Final = 1.0
"""How long a start waits for the list at most, while it connects to everything else."""
_TIMEOUT_S: Final = 15.0
_MAX_ANSWER_BYTES: Final = 1_000_000
_LISTED_WITHIN_S: Final = 10.0
_FRESH_S: Final = 300.0
_AGAIN_S: Final = 15.0
_MAX_PAGES: Final = 10
_MAX_TOOLS: Final = 64
_MAX_DESCRIPTION: Final = 4_000
_MAX_NAME: Final = 64
_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_LISTER: Final = "sidestream tools/list"
"""Who asks for the list where a token says who asks: no person's id has a space in it."""
_REFUSED_ALIKE: Final = frozenset({401, 402, 403, 408, 429})
"""Statuses that say nothing about the revision of the protocol."""


def attach(entry: McpServer, settings: ChatSettings) -> "AttachedServer":
    """Make a source of an entry of the settings. It connects when it is opened."""
    url = str(entry.url)

    def connect(handshake: bool) -> McpClient:
        kind = HandshakeClient if handshake else McpClient
        secret = settings.server_secret(entry.name) if entry.needs_secret else None
        auth: httpx2.Auth | None = None
        if entry.auth == "bearer" and secret is not None:
            auth = ModelKey(secret)
        elif entry.auth == "sigv4":
            auth = UrlSigner(url)
        key = tool_key(secret) if entry.auth == "user" and secret is not None else None
        return kind(
            url, key, auth=auth, timeout_s=_TIMEOUT_S, once=False, max_bytes=_MAX_ANSWER_BYTES
        )

    return AttachedServer(entry, connect)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server has listed: its tools by our name, their own names, and what was left out."""

    tools: Mapping[str, OfferedTool] = field(default_factory=dict)
    theirs: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why a tool is not offered, by its own name."""
    handshake: bool = False
    """Whether the server has to be met with a handshake."""


class AttachedServer:
    """One server, and its tools as they were last listed. `connect` makes a client, with or without
    a handshake."""

    def __init__(self, entry: McpServer, connect: Callable[[bool], McpClient]) -> None:
        self.entry = entry
        self.listing: Listing | None = None
        self.reason: Reason | None = None
        """Why the last look failed."""
        self._connect = connect
        self._clients: dict[bool, McpClient] = {}
        self._look: asyncio.Task[None] | None = None
        self._due_s = 0.0

    @property
    def changed_event(self) -> str:
        return f"{self.entry.name}.changed"

    @property
    def counted(self) -> Plural:
        return RESULTS

    async def open(self) -> None:
        """List the tools. Waits a moment for them, unless they are known from before."""
        self.refresh()
        if self.listing is None and self._look is not None:
            await asyncio.wait({self._look}, timeout=_START_WAIT_S)

    async def close(self) -> None:
        """Drop the connections."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait({self._look})
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def refresh(self) -> None:
        if time.time() >= self._due_s and (self._look is None or self._look.done()):
            self._due_s = time.time() + _AGAIN_S
            self._look = asyncio.create_task(self._look_again())

    def tools(self) -> Mapping[str, OfferedTool]:
        return self.listing.tools if self.listing else {}

    def owns(self, name: str) -> bool:
        return name.startswith(f"{self.entry.name}__")

    def notes(self) -> str:
        if self.listing is not None:
            return ""
        return (
            f"- The tools of {self.entry.name} cannot be used right now. Say so when they are "
            "needed.\n"
        )

    async def call(
        self,
        context: RunContext,
        name: str,
        call_id: str,  # noqa: ARG002
        arguments: dict[str, Any],
        key: str,
        answers: Answers | None = None,
    ) -> ToolResult:
        if self.listing is None or name not in self.listing.theirs:
            # It was offered by a process that knew it: the question about a call outlives one.
            await self.looked()
        if self.listing is None or name not in self.listing.theirs:
            raise ToolServerError(self.reason or Reason.MISSING)
        return await self._client(self.listing.handshake).call(
            self.listing.theirs[name],
            arguments,
            user_id=context.user_id,
            key=key,
            request_id=context.request_id,
            answers=answers,
        )

    @property
    def asker(self) -> str:
        return self.entry.name

    def rows(self, result: Any) -> list[Row]:  # noqa: ARG002
        """None: another server does not speak of the domain's things."""
        return []

    def _client(self, handshake: bool) -> McpClient:
        if handshake not in self._clients:
            self._clients[handshake] = self._connect(handshake)
        return self._clients[handshake]

    async def looked(self) -> None:
        """Wait for a look at the list: the one under way, or one that is due."""
        self.refresh()
        if self._look is not None:
            await asyncio.wait({self._look}, timeout=_LISTED_WITHIN_S)

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_LISTED_WITHIN_S):
                self.listing = await self._listed()
        except (ToolServerError, TimeoutError) as error:
            self.reason = getattr(error, "reason", Reason.TIMED_OUT)
            report(f"MCP server {self.entry.name}", self.reason)
        else:
            self.reason = None
            self._due_s = time.time() + _FRESH_S

    async def _listed(self) -> Listing:
        """List the tools, in the newest revision that the server speaks."""
        known = self.listing is not None and self.listing.handshake
        try:
            return self._offer(await self._pages(handshake=known), handshake=known)
        except _Refused as refused:
            with suppress(_Refused):
                return self._offer(await self._pages(handshake=not known), handshake=not known)
            raise ToolServerError(refused.reason) from None

    async def _pages(self, *, handshake: bool) -> list[dict[str, Any]]:
        """Read the list, page by page. Raises `_Refused` where another revision may do."""
        listed: list[dict[str, Any]] = []
        cursor: str | None = None
        client = self._client(handshake)
        for _page in range(_MAX_PAGES):
            params = {} if cursor is None else {"cursor": cursor}
            reply, _attempt = await client.request("tools/list", params, {}, _LISTER)
            if reply.status in _REFUSED_ALIKE or reply.status >= 500:
                raise ToolServerError(reasons.of_status(reply.status))
            result: Any = (reply.document or {}).get("result")
            tools = result.get("tools") if isinstance(result, dict) else None
            if reply.status != httpx2.codes.OK or not isinstance(tools, list):
                raise _Refused(Reason.UNEXPECTED)
            listed += [tool for tool in tools if _is_tool(tool)]
            following = result.get("nextCursor")
            if len(listed) >= _MAX_TOOLS or following in (None, cursor):
                break
            cursor = str(following)
        return listed

    def _offer(self, listed: Sequence[dict[str, Any]], *, handshake: bool) -> Listing:
        tools: dict[str, OfferedTool] = {}
        theirs: dict[str, str] = {}
        left_out: dict[str, str] = {}
        for tool in self._allowed(listed):
            own = tool["name"]
            name = _public_name(self.entry.name, own)
            try:
                if len(tools) >= _MAX_TOOLS:
                    raise strangers.TooMuch(f"there are more than {_MAX_TOOLS}")
                tools.setdefault(name, self._offered(name, tool))
                theirs.setdefault(name, own)
            except strangers.TooMuch as reason:
                left_out[own] = str(reason)
        return Listing(tools, theirs, left_out, handshake)

    def _allowed(self, listed: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        wanted = self.entry.tools
        return (tool for tool in listed if wanted is None or tool["name"] in wanted)

    def _offered(self, name: str, tool: dict[str, Any]) -> OfferedTool:
        entry, own = self.entry, tool["name"]
        if entry.trusted:
            schema = strangers.sized(tool["inputSchema"])
            words = str(tool.get("description") or "")[:_MAX_DESCRIPTION]
        else:
            schema = strangers.schema(tool)
            words = strangers.description(entry.name, tool)
        # Whoever asks a person names the tool: in the words of a server that is trusted.
        title = (entry.trusted and tool.get("title")) or f"{entry.name}: {readable(own)}"
        known = Tool(title=str(title)[:_MAX_NAME], ask=entry.ask_of(own))
        return OfferedTool(
            policy=policy_of({**tool, "name": name}, known, trusted=entry.trusted),
            description=words,
            schema=schema,
        )


class _Refused(ToolServerError):
    """The server has answered, and not with a list."""


def _is_tool(tool: Any) -> bool:
    """Whether it is a tool that can be called: by the names of the specification of 2025-11-25."""
    return (
        isinstance(tool, dict)
        and isinstance(tool.get("inputSchema"), dict)
        and isinstance(tool.get("annotations") or {}, dict)
        and isinstance(tool.get("name"), str)
        and _TOOL_NAME.fullmatch(tool["name"]) is not None
    )


def _public_name(server: str, tool: str) -> str:
    """Name a tool so that every provider takes it: 64 letters, digits, `_` and `-` at most. What
    has to be changed gets a digest, so that no two become one."""
    name = f"{server}__{tool}"
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if safe == name and len(name) <= _MAX_NAME:
        return name
    digest = sha256(tool.encode()).hexdigest()[:8]
    return f"{safe[: _MAX_NAME - 9]}_{digest}"
