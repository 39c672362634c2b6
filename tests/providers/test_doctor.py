"""What `sidestream doctor --model` finds of servers that others wrote."""

import pytest

from sidestream.cli.checks.finding import State
from tests.cli.examination import findings
from tests.providers.conftest import KEY, ModelServer


@pytest.mark.parametrize("name", ["aimock", "litellm"])
async def test_of_doubles(request: pytest.FixtureRequest, name: str, api: str) -> None:
    """Over Responses they say that no token was read or written."""
    found = await findings(request.getfixturevalue(name).url, KEY, model="m", model_api=api)
    uncounted = {name for name, finding in found.items() if finding.state is not State.OK}
    assert uncounted - {"first token"} == ({"usage"} if api == "responses" else set())
    assert found["parallel calls"].sentence.startswith("2 calls")


async def test_of_a_model_that_knows_one_tool_alone(llama: ModelServer, api: str) -> None:
    found = await findings(llama.url, KEY, model="smollm2", model_api=api)
    assert found["provider"].state is State.OK
    assert found["conversation"].state is State.FAILED
    assert "calls no tool, also when it has to" in found["conversation"].sentence
