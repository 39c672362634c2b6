"""A process that is frozen, as Lambda does between two events, for longer than the pooler keeps an
idle client."""

import asyncio
import os
import signal
import sys

import pytest
from tests.postgres import pgbouncer

FROZEN_S = 3.0
CALLS = """
import asyncio, sys
from sidestream.store.database import Database, Statement

ONE = Statement("select set_config('app.note', 'x', true) as note")

async def main():
    database = Database(sys.argv[1], min_size=2, idle_check_s=float(sys.argv[2]))
    await database.open()
    while await asyncio.to_thread(sys.stdin.readline):
        answers = await asyncio.gather(*(database.run("u", ONE) for _ in range(4)))
        print(*(rows[0]["note"] for [rows] in answers), flush=True)
    await database.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("idle_check_s", [1.0, 60.0], ids=["looked at first", "used as it is"])
async def test_the_first_calls_after_it_are_answered(
    app_url: str, pytestconfig: pytest.Config, idle_check_s: float
) -> None:
    with pgbouncer(app_url, pytestconfig, "client_idle_timeout = 1") as url:
        program = [sys.executable, "-c", CALLS, url, str(idle_check_s)]
        process = await asyncio.create_subprocess_exec(
            *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        try:
            for _ in range(3):
                process.stdin.write(b"\n")
                async with asyncio.timeout(30):
                    assert await process.stdout.readline() == b"x x x x\n"
                os.kill(process.pid, signal.SIGSTOP)
                await asyncio.sleep(FROZEN_S)
                os.kill(process.pid, signal.SIGCONT)
            process.stdin.close()
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
