"""The tools of the local system's domain, called for a user without a model in between."""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from sidestream import network
from sidestream.cli.errors import CommandError
from sidestream.identity import tool_key
from sidestream.local.endpoints import Endpoints
from sidestream.local.keys import LocalKeys

_REVISION: Final = "2025-11-25"
_TIMEOUT_S: Final = 30.0


class ToolThings:
    """Calls tools by MCP (revision 2025-11-25, without a session). A context manager, which closes
    its connections."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        self._key = tool_key(LocalKeys.of(folder).tool_signing_key)
        self._url = f"{endpoints.tools}/mcp"
        self._client = network.client(self._url, timeout=_TIMEOUT_S)

    def call(self, user_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool, and give its structured content. Raises `CommandError`."""
        token, _expiry = self._key.mint(user_id)
        message = {
            "jsonrpc": "2.0",
            "id": uuid.uuid4().hex,
            "method": "tools/call",
            "params": {"name": name, "arguments": dict(arguments)},
        }
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": _REVISION,
        }
        try:
            answer = self._client.post(self._url, json=message, headers=headers)
            result = answer.json()["result"]
            if result.get("isError"):
                raise CommandError(f"{name} failed: {_words(result)}")
            return result["structuredContent"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{name} could not be called: {error!r}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def _words(result: Mapping[str, Any]) -> str:
    return json.dumps(result.get("content"), ensure_ascii=False)[:200]
