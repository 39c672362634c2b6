"""The lifespan protocol, with applications that keep to it and some that do not."""

import logging

import pytest

from sidestream.streaming.asgi import Receive, Scope, Send
from sidestream.streaming.errors import LifespanError
from sidestream.streaming.lifespan import Lifespan


async def test_startup_state_and_shutdown() -> None:
    story: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        story.append((await receive())["type"])
        scope["state"]["pool"] = "open"
        await send({"type": "lifespan.startup.complete"})
        story.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    lifespan = Lifespan(app)
    await lifespan.startup()
    assert lifespan.state == {"pool": "open"}
    await lifespan.shutdown()
    assert story == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_app_without_lifespan() -> None:
    async def app(scope: Scope, _: Receive, __: Send) -> None:
        raise NotImplementedError(scope["type"])

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()


async def test_an_app_that_returns_at_once() -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        return

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()


async def test_a_startup_that_fails() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanError):
        await Lifespan(app).startup()


async def test_a_shutdown_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise RuntimeError("pool")

    lifespan = Lifespan(app)
    await lifespan.startup()
    with caplog.at_level(logging.ERROR):
        await lifespan.shutdown()
    assert "failed after startup" in caplog.text
