"""The entry point: ready once the lifespan has started, made anew after a snapshot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import snapshot_restore_py  # type: ignore[import-untyped]

from sidestream import config
from sidestream.chat import handler
from sidestream.chat.handler import ChatFunction


@pytest.fixture
def environment(app_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    values = {
        "DATABASE_URL": app_url,
        "TOOL_SIGNING_KEY": "t" * 32,
        "SESSION_SIGNING_KEY": "s" * 32,
        "AUTH_ISSUERS": "[]",
        "TASKS_MCP_URL": "http://127.0.0.1:1/mcp",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    config.refresh()
    yield monkeypatch
    config.refresh()


@pytest_asyncio.fixture(loop_scope="session")
async def function(
    environment: pytest.MonkeyPatch,  # noqa: ARG001
) -> AsyncIterator[ChatFunction]:
    """The application with its lifespan held open, as the runtime holds it."""
    app = handler.app()
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    yield app
    inbox.put_nowait({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await life


async def health(app: ChatFunction) -> dict[str, Any]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://f") as client:
        document: dict[str, Any] = (await client.get("/api/chatkit/health")).json()
        return document


async def test_it_is_connected_when_it_is_ready(function: ChatFunction) -> None:
    assert (await health(function))["database"] == "reachable"


async def test_it_connects_anew_after_a_restore_with_what_was_rotated_meanwhile(
    function: ChatFunction, environment: pytest.MonkeyPatch
) -> None:
    before = function.services
    await function.close()
    with pytest.raises(RuntimeError):
        await before.database.ping()
    environment.setenv("SESSION_SIGNING_KEY", "r" * 32)
    await function.reopen()

    assert function.services is not before
    assert function.services.session_key.secret == "r" * 32
    assert (await health(function))["database"] == "reachable"


async def test_its_hooks_are_registered(function: ChatFunction) -> None:
    before = [hook[0] for hook in snapshot_restore_py.get_before_snapshot()]
    after = [hook[0] for hook in snapshot_restore_py.get_after_restore()]
    assert function.close in before
    assert function.reopen in after


async def test_a_warm_up_that_fails_does_not_stop_the_start(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_settings: object) -> None:
        raise RuntimeError("planted text")

    environment.setattr(handler, "warm_up", fail)
    app = handler.app()
    await app.open()
    try:
        assert (await health(app))["database"] == "reachable"
    finally:
        await app.close()
    assert "planted text" not in caplog.text
