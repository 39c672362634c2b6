"""A scene: a request that is sent, what is heard of its run, and a fault that happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.chat.client import Document
from tests.chat.fault_proxy import Way
from tests.chat.walk.cloud import Cloud
from tests.chat.walk.hearing import Heard, Patient

_NOTICED_S: Final = 0.2

type During = Callable[[], Awaitable[Any]]
"""What happens while a run goes on. When it has come to its end, it has happened."""


@dataclass(slots=True)
class Scene:
    """A request about to be sent: where it goes, what is heard of it, and the means to choose.

    `speaks` tells whether the model is asked, `calls` whether tools are.
    """

    cloud: Cloud
    random: Random
    client: Patient
    request: Document
    heard: Heard
    speaks: bool
    calls: bool
    struck: bool = False
    """Whether the fault has begun to happen."""
    second: Heard | None = None
    """What the person did in the same thread meanwhile."""

    def moment(self) -> During:
        """Choose a moment in mid-answer, which then lasts until it is mended."""
        tools, model = self.cloud.tools_line, self.cloud.model
        kinds = ["words"] * self.speaks + ["asked", "done"] * self.calls
        match self.random.choice(kinds):
            case "asked":
                tools.hold(Way.UP)
                return lambda: tools.held(Way.UP)
            case "done":
                tools.hold(Way.DOWN)
                return lambda: tools.held(Way.DOWN)
        model.hold(after_words=self.random.choice((0, 1, 2, 3)))
        return lambda: model.until(lambda: model.held_streams > 0)

    def go_on(self) -> None:
        """Let a moment be over."""
        self.cloud.model.release()
        self.cloud.tools_line.release()


async def conduct(scene: Scene, fault: Callable[[Scene], During] | None) -> None:
    """Send the request of a scene and hear its run, while a fault happens."""
    during = fault(scene) if fault else None
    hearing = asyncio.ensure_future(scene.client.deliver(scene.request, scene.heard))
    playing = asyncio.ensure_future(_played(scene, during)) if during else None
    try:
        if playing is not None:
            await asyncio.wait({hearing, playing}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done() and not scene.struck:
                await asyncio.wait({playing}, timeout=_NOTICED_S)
            if scene.struck or playing.done():
                await playing
        await scene.cloud.flow()
        await hearing
    finally:
        tasks = [task for task in (hearing, playing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await scene.cloud.mend()


async def _played(scene: Scene, during: During) -> None:
    await during()
    scene.struck = True
