"""What `sidestream doctor --model` finds of servers that others wrote."""

import pytest
from pydantic import HttpUrl, SecretStr

from sidestream.cli.checks.finding import Finding, State
from sidestream.cli.checks.model import Examination
from sidestream.config import ChatSettings
from tests.providers.conftest import KEY, ModelServer


async def examine(server: ModelServer, model: str, api: str) -> dict[str, Finding]:
    """Everything that is found, by its name."""
    settings = ChatSettings.model_validate(
        {
            "database_url": SecretStr("postgresql://x:y@127.0.0.1/x"),
            "tool_signing_key": SecretStr("t" * 32),
            "session_signing_key": SecretStr("s" * 32),
            "auth_issuers": (),
            "tools_mcp_url": HttpUrl("http://127.0.0.1:9/mcp"),
            "openai_api_key": SecretStr(KEY),
            "openai_base_url": HttpUrl(server.url),
            "model": model,
            "model_api": api,
        }
    )
    return {name: finding async for name, finding in Examination(settings).findings()}


@pytest.mark.parametrize("name", ["aimock", "litellm"])
async def test_of_doubles(request: pytest.FixtureRequest, name: str, api: str) -> None:
    """Over Responses they say that no token was read or written."""
    found = await examine(request.getfixturevalue(name), "m", api)
    uncounted = {name for name, finding in found.items() if finding.state is not State.OK}
    assert uncounted - {"first token"} == ({"usage"} if api == "responses" else set())
    assert found["parallel calls"].sentence.startswith("2 calls")


async def test_of_a_model_that_knows_one_tool_alone(llama: ModelServer, api: str) -> None:
    found = await examine(llama, "smollm2", api)
    assert found["provider"].state is State.OK
    assert found["conversation"].state is State.FAILED
    assert "calls no tool, also when it has to" in found["conversation"].sentence
