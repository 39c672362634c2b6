"""A part is looked at once for everybody, for as long as the look holds."""

import asyncio

import pytest

from sidestream.health import Part


class Look:
    """A look that waits until it is let go, and counts."""

    def __init__(self, *found: bool | Exception) -> None:
        self.count = 0
        self.goes_on = asyncio.Event()
        self._found = found

    async def __call__(self) -> bool:
        found = self._found[self.count]
        self.count += 1
        await self.goes_on.wait()
        if isinstance(found, Exception):
            raise found
        return found


async def test_everybody_waits_for_the_same_look_and_then_for_none() -> None:
    look = Look(False)
    part = Part("x", look, every_s=3600)
    asking = [asyncio.create_task(part.is_well()) for _ in range(20)]
    await asyncio.sleep(0)
    look.goes_on.set()
    assert await asyncio.gather(*asking) == [False] * 20
    assert [await part.is_well() for _ in range(20)] == [False] * 20
    assert look.count == 1


async def test_it_is_looked_at_again_when_the_look_is_old() -> None:
    look = Look(True, False, True)
    look.goes_on.set()
    part = Part("x", look, every_s=0)
    assert [await part.is_well() for _ in range(3)] == [True, False, True]


async def test_who_goes_away_takes_the_look_from_nobody() -> None:
    look = Look(True)
    part = Part("x", look, every_s=3600)
    first, second = (asyncio.create_task(part.is_well()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    look.goes_on.set()
    assert await second
    assert look.count == 1


async def test_what_does_not_answer_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    part = Part("x", Look(True), every_s=3600, limit_s=0.01)
    assert not await part.is_well()
    assert "x: timed out" in caplog.text


async def test_what_breaks_is_not_well_and_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    look = Look(ValueError("planted text"))
    look.goes_on.set()
    assert not await Part("x", look, every_s=3600).is_well()
    assert "planted text" not in caplog.text
