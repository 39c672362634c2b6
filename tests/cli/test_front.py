"""The commands through a front that signs what it passes on, as CloudFront does."""

import asyncio
import subprocess
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.command import COMMAND, run
from tests.fronts import cloudfront


@pytest_asyncio.fixture
async def front(system: LocalSystem) -> AsyncIterator[str]:
    async with cloudfront(system.chat.url, silence_s=60) as url:
        yield url


async def test_a_message_is_answered_word_by_word(system: LocalSystem, front: str) -> None:
    token = system.token(new_id("user"))
    system.model.hold(after_words=5)
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "chat", "--url", front, "--token", token, "Tell me a story of 20 words"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        await system.model.until(lambda: system.model.held_streams == 1)
        assert process.stdout is not None
        first = await process.stdout.readexactly(5)
        system.model.release()
        rest, errors = await process.communicate()
    finally:
        system.model.release()
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, errors) == (0, b"")
    assert len((first + rest).split()) >= 20


async def test_first_tokens_are_timed(system: LocalSystem, front: str) -> None:
    token = system.token(new_id("user"))
    given = ("--url", front, "--token", token, "--count", "1", "--target-ms", "30000")
    done = await asyncio.to_thread(run, "ttft", *given)
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_front_wants_the_hash_and_takes_the_header(
    system: LocalSystem, front: str
) -> None:
    """What the commands and the page add is needed: without it, this front refuses too."""
    user = new_id("user")
    bearer = {"authorization": f"Bearer {system.token(user)}"}
    async with httpx2.AsyncClient(base_url=front, timeout=60, headers=bearer) as client:
        unhashed = await client.post(f"/api/{user}/chat", json={"message": "hello"})
        untold = await client.get("/api/chatkit/runs/run_none/events")
    assert (unhashed.status_code, untold.status_code) == (403, 401)
