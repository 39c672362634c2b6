"""Faults: what is made to break around a run, and when.

Each is a function of a scene. It sets up what has to be there before the request is sent, and gives
what happens meanwhile; when that has come to its end, the fault has happened. `Cloud.mend` undoes
it all.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from sidestream.local.emulator import FunctionUrl
from tests.chat.client import add_request
from tests.chat.fault_proxy import Fault as Break
from tests.chat.fault_proxy import FaultProxy, Kind, Way
from tests.chat.until import until
from tests.chat.walk.cloud import LEASE_S, Cloud
from tests.chat.walk.hearing import Heard
from tests.chat.walk.plan import Fault
from tests.chat.walk.scene import During, Scene

# About as many bytes as a run of some calls passes.
_BYTES: Final = {
    "database": {Way.UP: 40_000, Way.DOWN: 12_000},
    "model": {Way.UP: 20_000, Way.DOWN: 4_000},
    "tools": {Way.UP: 1_500, Way.DOWN: 1_500},
}
_AWAY_S: Final = LEASE_S + 1.0
_SOON_S: Final = 0.8


def kill(scene: Scene) -> During:
    """Kill the chat in mid-answer."""
    moment = scene.moment()

    async def during() -> None:
        await moment()
        scene.struck = True
        await asyncio.sleep(scene.random.choice((0, 0.1, 0.5)))
        for environment in scene.cloud.busy(scene.cloud.chat):
            environment.kill()
        scene.go_on()

    return during


def freeze(scene: Scene) -> During:
    """Stop the chat in mid-answer, for less time than its lease lasts."""
    moment = scene.moment()

    async def during() -> None:
        await moment()
        scene.struck = True
        frozen = scene.cloud.freeze()
        try:
            scene.go_on()
            await asyncio.sleep(scene.random.uniform(0.1, 1.0))
        finally:
            scene.cloud.thaw(frozen)

    return during


def lease(scene: Scene) -> During:
    """Stop the chat in mid-answer until its lease has run out, and the person has gone on."""
    moment = scene.moment()

    async def during() -> None:
        await moment()
        await scene.heard.began.wait()
        scene.struck = True
        frozen = scene.cloud.freeze()
        try:
            thread_id, run_id = scene.heard.thread_id, scene.heard.run_id
            path = f"/api/chatkit/threads/{thread_id}/run"

            async def over() -> bool:
                run = (await scene.client.http.get(path)).json()
                assert run["run_id"] == run_id
                return bool(run["status"] == "failed")

            await until(over)
            scene.go_on()
            scene.second = Heard()
            await scene.client.deliver(add_request(thread_id, "hello"), scene.second)
        finally:
            scene.cloud.thaw(frozen)

    return during


def outage(scene: Scene) -> During:
    """Have the database away for a moment."""
    return _away(scene, scene.random.uniform(0.1, _SOON_S))


def long_outage(scene: Scene) -> During:
    """Have the database away for longer than anybody waits for it."""
    return _away(scene, scene.random.uniform(_AWAY_S, _AWAY_S + 1))


def _away(scene: Scene, seconds: float) -> During:
    moment, line = scene.moment(), scene.cloud.database_line

    async def during() -> None:
        await moment()
        scene.struck = True
        await line.refuse()
        scene.go_on()
        await asyncio.sleep(seconds)
        await line.accept()

    return during


def black_hole(scene: Scene) -> During:
    """Have the database say nothing for a while."""
    moment, line = scene.moment(), scene.cloud.database_line

    async def during() -> None:
        await moment()
        scene.struck = True
        for way in Way:
            line.hold(way)
        scene.go_on()
        await asyncio.sleep(scene.random.uniform(0.2, 2.0))
        line.release()

    return during


def cut_database(scene: Scene) -> During:
    """Break the connection to the database in the middle of a message."""
    return _broken(scene, scene.cloud.database_line, "database", Kind.CUT, Kind.TRUNCATE)


def cut_tools(scene: Scene) -> During:
    """Break the connection to the tool server, before or after it has done what it was asked."""
    return _broken(scene, scene.cloud.tools_line, "tools", Kind.CUT, Kind.TRUNCATE)


def garbage(scene: Scene) -> During:
    """Have the model say what makes no sense."""
    line = scene.cloud.model_line
    at = scene.random.randrange(_BYTES["model"][Way.DOWN])
    return _breaks(line, Break(Kind.GARBLE, Way.DOWN, at))


def _broken(scene: Scene, line: FaultProxy, what: str, *kinds: Kind) -> During:
    kind, way = scene.random.choice(kinds), scene.random.choice(list(Way))
    return _breaks(line, Break(kind, way, scene.random.randrange(_BYTES[what][way])))


def _breaks(line: FaultProxy, fault: Break) -> During:
    before = line.broken
    line.arm(fault)

    async def broken() -> bool:
        return line.broken > before

    return lambda: until(broken)


def cut_model(scene: Scene) -> During:
    """Have the model's answer break off."""
    model = scene.cloud.model
    cleanly = scene.random.choice((True, False))
    for _ in range(2):
        model.cut_next(after_words=scene.random.choice((0, 1, 2)), cleanly=cleanly)
    return _asked(scene)


def fail_model(scene: Scene) -> During:
    """Have the model refuse, once or for good."""
    model = scene.cloud.model
    match scene.random.choice(("filter", "overflow", "refuse", "refuse")):
        case "filter":
            model.content_filter_next(after_words=scene.random.choice((0, 2)))
        case "overflow":
            model.context_overflow_next()
        case _:
            status = scene.random.choice((401, 404, 429, 500, 503))
            model.fail_next(status, times=scene.random.choice((1, 2)))
    return _asked(scene)


def _asked(scene: Scene) -> During:
    """Wait until the model has been asked."""
    model = scene.cloud.model
    last = model.requests[-1] if model.requests else None
    return lambda: model.until(lambda: bool(model.requests) and model.requests[-1] is not last)


def tools_away(scene: Scene) -> During:
    """Have the tool server away when it is called."""
    line = scene.cloud.tools_line
    moment = _call(line)

    async def during() -> None:
        await moment()
        scene.struck = True
        await line.refuse()
        await asyncio.sleep(scene.random.uniform(0.0, _SOON_S))
        line.release()
        await line.accept()

    return during


def kill_tools(scene: Scene) -> During:
    """Kill the tool server while it does what it was asked."""
    line, tools = scene.cloud.tools_line, scene.cloud.tools
    moment = _call(line)

    async def during() -> None:
        await moment()
        scene.struck = True
        line.release()
        await _at_work(tools)
        await asyncio.sleep(scene.random.choice((0, 0.005, 0.02)))
        for environment in tools.environments:
            environment.kill()

    return during


def _call(line: FaultProxy) -> During:
    line.hold(Way.UP)
    return lambda: line.held(Way.UP)


async def _at_work(function: FunctionUrl) -> None:
    while not Cloud.busy(function):  # noqa: ASYNC110 - it lasts for milliseconds
        await asyncio.sleep(0)


def drop(scene: Scene) -> During:
    """Have the client go away in mid-answer, and come back."""
    scene.heard.leave_after = scene.random.randrange(1, 8)
    return scene.heard.left.wait


def twice(scene: Scene) -> During:
    """Have the same request come a second time while the first one is being answered."""
    moment = scene.moment()

    async def during() -> None:
        await moment()
        await scene.heard.began.wait()
        scene.struck = True
        problem = await scene.client.again(scene.request, scene.heard)
        assert problem["code"] == "key_in_progress", problem
        scene.go_on()

    return during


FAULTS: Final[dict[Fault, Callable[[Scene], During]]] = {
    Fault.KILL: kill,
    Fault.FREEZE: freeze,
    Fault.LEASE: lease,
    Fault.OUTAGE: outage,
    Fault.LONG_OUTAGE: long_outage,
    Fault.BLACK_HOLE: black_hole,
    Fault.DATABASE_CUT: cut_database,
    Fault.DROP: drop,
    Fault.TWICE: twice,
    Fault.MODEL_CUT: cut_model,
    Fault.MODEL_ERROR: fail_model,
    Fault.MODEL_GARBAGE: garbage,
    Fault.TOOLS_AWAY: tools_away,
    Fault.TOOLS_CUT: cut_tools,
    Fault.TOOLS_KILL: kill_tools,
}
