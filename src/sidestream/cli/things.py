"""The tools of the local system's domain, called for a user without a model in between."""

import asyncio
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.wire import ToolServerError
from sidestream.cli.errors import CommandError
from sidestream.local.endpoints import Endpoints
from sidestream.local.keys import LocalKeys
from sidestream.signing_key import tool_key

_MAX_SHOWN: Final = 200


class ToolThings:
    """Calls tools with the chat's own client. A context manager, which closes its connections."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        self._loop = asyncio.Runner()
        self._client = McpClient(
            f"{endpoints.tools}/mcp", tool_key(LocalKeys.of(folder).tool_signing_key)
        )

    def call(self, user_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool, and give its structured content. Raises `CommandError`."""
        call_id = uuid.uuid4().hex
        calling = self._client.call(
            name, dict(arguments), user_id=user_id, key=call_id, request_id=call_id
        )
        try:
            result = self._loop.run(calling)
        except ToolServerError as error:
            raise CommandError(f"{name} could not be called: {error.reason}.") from error
        if result.failed:
            raise CommandError(f"{name} failed: {result.text[:_MAX_SHOWN]}")
        if not isinstance(result.content, dict):
            raise CommandError(f"{name} gave no structured content.")
        return result.content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._client.close())
        self._loop.close()
