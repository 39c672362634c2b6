"""Fixtures: a line to talk to a function in its own process, and one function for most tests."""

from collections.abc import AsyncIterator

import pytest

from .functions import Function, Line, function, open_line
from .lambda_fake import FakeLambda, fake_lambda


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with open_line() as opened:
        yield opened


@pytest.fixture(scope="session")
async def stream() -> AsyncIterator[Function]:
    """One function for all tests that need no settings of their own."""
    async with function() as running:
        yield running


@pytest.fixture
async def fake() -> AsyncIterator[FakeLambda]:
    async with fake_lambda() as running:
        yield running
