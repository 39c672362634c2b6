"""The entry point: ready once the lifespan has started, made anew after a snapshot."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import snapshot_restore_py  # type: ignore[import-untyped]

from sidestream import config
from sidestream.chat import handler
from sidestream.chat.handler import ChatFunction
from sidestream.chat.services import Services
from sidestream.streaming.errors import LifespanError
from sidestream.streaming.lifespan import Lifespan


@pytest.fixture
def environment(app_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    values = {
        "DATABASE_URL": app_url,
        "TOOL_SIGNING_KEY": "t" * 32,
        "SESSION_SIGNING_KEY": "s" * 32,
        "AUTH_ISSUERS": "[]",
        "TOOLS_MCP_URL": "http://127.0.0.1:1/mcp",
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
    assert function.services.session_key.secret.text == "r" * 32
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


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            config.SettingsError("The setting MODEL is not valid."),
            "The setting MODEL is not valid.",
        ),
        (RuntimeError("planted text"), "RuntimeError"),
    ],
)
async def test_a_start_that_fails_stops_the_function_and_says_why(
    environment: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    sentence: str,
) -> None:
    warming_up = asyncio.Event()
    ends = []

    async def linger(*_parts: object) -> None:
        warming_up.set()
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    async def fail(_services: Services) -> Services:
        await warming_up.wait()
        raise error

    environment.setattr(handler, "warm_up", linger)
    environment.setattr(Services, "open", fail)
    with pytest.raises(LifespanError):
        await Lifespan(handler.app()).startup()

    assert f"startup failed: {sentence}" in caplog.text
    assert "planted text" not in caplog.text + "".join(capsys.readouterr())
    assert ends == ["cancelled"]
    assert gc.isenabled()


async def test_a_database_that_is_away_does_not_fail_the_start(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    environment.setenv("DATABASE_TIMEOUT_S", "0.2")
    app = handler.app()
    lifespan = Lifespan(app)
    await lifespan.startup()
    assert (await health(app))["database"] == "unreachable"
    await lifespan.shutdown()
