"""The examination of a model's provider that is `sidestream doctor --model`, for any base URL."""

from typing import Any

from pydantic import HttpUrl, SecretStr

from sidestream.cli.checks.finding import Finding
from sidestream.cli.checks.model import Examination
from sidestream.config import ChatSettings


async def findings(base_url: str, key: str, **settings: Any) -> dict[str, Finding]:
    """Everything that is found, by its name. None of it shows the key."""
    given = {
        "database_url": SecretStr("postgresql://x:y@127.0.0.1/x"),
        "tool_signing_key": SecretStr("t" * 32),
        "session_signing_key": SecretStr("s" * 32),
        "auth_issuers": (),
        "tools_mcp_url": HttpUrl("http://127.0.0.1:9/mcp"),
        "openai_api_key": SecretStr(key),
        "openai_base_url": HttpUrl(base_url),
        **settings,
    }
    found = {}
    async for name, finding in Examination(ChatSettings.model_validate(given)).findings():
        found[name] = finding
        assert key not in finding.sentence
    return found
