"""What is done again and again, as long as the system runs."""

import asyncio

from sidestream.local.schedule import Schedule


async def test_it_goes_on_until_it_is_stopped() -> None:
    done = asyncio.Semaphore(0)

    async def work() -> None:
        done.release()

    schedule = Schedule(work, 0.01)
    await schedule.start()
    for _ in range(3):
        await done.acquire()
    await schedule.stop()
    count = done._value
    await asyncio.sleep(0.05)
    assert done._value == count
