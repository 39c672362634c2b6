"""MCP servers of an earlier revision: `initialize` first, and a session that the server may keep.

The client names the newest revision that it knows, the server answers with the one to be spoken,
and may give a session id that goes with each later request; 404 says that the session is over
(specification 2025-11-25, "Lifecycle" and "Session management").
"""

from typing import Any, Final

import httpx2

from sidestream import reasons
from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.wire import Reply, ToolServerError
from sidestream.reasons import Reason

_NEWEST: Final = "2025-11-25"
_KNOWN: Final = (_NEWEST, "2025-06-18", "2025-03-26")
_CLIENT: Final = {"name": "sidestream", "version": "1"}


class HandshakeClient(McpClient):
    """An MCP client that begins with a handshake. One session serves all users where no token says
    who calls, and else each request has its own."""

    _session: dict[str, str] | None = None

    async def request(
        self, method: str, params: dict[str, Any], headers: dict[str, str], user_id: str
    ) -> tuple[Reply, int]:
        session = self._session or await self._begin(user_id)
        reply, attempt = await self.send(method, params, {**headers, **session}, user_id)
        if reply.status == httpx2.codes.NOT_FOUND and session is self._session:
            session = await self._begin(user_id)
            reply, attempt = await self.send(method, params, {**headers, **session}, user_id)
        return reply, attempt

    async def _begin(self, user_id: str) -> dict[str, str]:
        """Shake hands. Gives the headers of the session."""
        params = {"protocolVersion": _NEWEST, "capabilities": {}, "clientInfo": _CLIENT}
        reply, _attempt = await self.send("initialize", params, {}, user_id)
        if reply.status != httpx2.codes.OK:
            raise ToolServerError(reasons.of_status(reply.status))
        result = (reply.document or {}).get("result")
        revision = result.get("protocolVersion") if isinstance(result, dict) else None
        if revision not in _KNOWN:
            raise ToolServerError(Reason.UNEXPECTED)
        session = {"mcp-protocol-version": str(revision)}
        if session_id := reply.headers.get("mcp-session-id"):
            session["mcp-session-id"] = session_id
        await self.send("notifications/initialized", {}, session, user_id, notifies=True)
        if self._key is None:
            self._session = session
        return session
