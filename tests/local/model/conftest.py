"""A running model, which knows no domain, and a real OpenAI client for it."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from sidestream.local.model import ModelSettings, ScriptedModelServer


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModelServer]:
    async with ScriptedModelServer(ModelSettings(delay_ms=0)) as server:
        yield server


@pytest.fixture
async def client(model: ScriptedModelServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=model.base_url, api_key="any", max_retries=0) as opened:
        yield opened
