"""Functions with SnapStart hooks; each module-level list is one process's story."""

import os
import random
from typing import Any

from snapshot_restore_py import (  # type: ignore[import-untyped]
    register_after_restore,
    register_before_snapshot,
)

STORY: list[str] = []


async def _record(word: str) -> None:
    STORY.append(word)


register_before_snapshot(STORY.append, "before 1")
register_before_snapshot(_record, "before 2")
# What is drawn from here on would be the same in each environment restored from this snapshot.
register_before_snapshot(random.seed, 7)
register_after_restore(STORY.append, "after 1")
register_after_restore(_record, "after 2")


class Told(Exception):
    reportable = True


def _fail() -> None:
    raise Told("The setting X is missing.") if "TELLS" in os.environ else RuntimeError("sk-secret")


if os.environ.get("FAIL") == "before":
    register_before_snapshot(_fail)
if os.environ.get("FAIL") == "after":
    register_after_restore(_fail)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        STORY.append("startup")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    drawn = repr(random.random())  # noqa: S311 - whether it is new is the point
    words = drawn if scope["path"] == "/random" else ",".join(STORY)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": words.encode()})
