"""The process as a whole, where the emulator does not show enough: sockets and exit codes."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from .functions import HERE, WRAPPER, runtime
from .lambda_fake import EVENT, FakeLambda


class TestExitCodes:
    async def test_refused_next(self, fake: FakeLambda) -> None:
        fake.next_status = 403
        async with runtime(fake) as process:
            output, _ = await process.communicate()
        assert process.returncode == 1
        assert b"[CRITICAL]" in output

    async def test_broken_app(self, fake: FakeLambda) -> None:
        async with runtime(fake, "missing:app") as process:
            assert await process.wait() == 1
        post = await fake.finished()
        assert post.target == "/2018-06-01/runtime/init/error"
        assert post.headers["lambda-runtime-function-error-type"] == "Runtime.ImportModuleError"

    @pytest.mark.parametrize(
        ("when", "exit_code", "target"),
        [("before", 64, "init/error"), ("after", 65, "restore/error")],
    )
    async def test_failing_hooks(
        self, fake: FakeLambda, when: str, exit_code: int, target: str
    ) -> None:
        async with runtime(
            fake,
            "snapstart_apps:app",
            AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
            FAIL=when,
        ) as process:
            assert await process.wait() == exit_code
        assert (await fake.finished()).target == f"/2018-06-01/runtime/{target}"

    async def test_terminated(self, fake: FakeLambda) -> None:
        async with runtime(fake) as process:
            fake.invoke({**EVENT, "rawPath": "/hello"})
            await fake.finished()
            process.send_signal(signal.SIGTERM)
            output, _ = await process.communicate()
        assert process.returncode == 0
        assert b"lifespan stopped" in output

    async def test_terminated_during_a_response(self, fake: FakeLambda) -> None:
        async with runtime(fake) as process:
            fake.invoke({**EVENT, "rawPath": "/last-words"})
            await fake.post()
            process.send_signal(signal.SIGTERM)
            post = await fake.finished()
            assert await process.wait() == 0
        assert post.payload == b"partial\n"
        assert post.trailers["lambda-runtime-function-error-type"] == "Runtime.Shutdown"

    async def test_nobody_listens(self, fake: FakeLambda) -> None:
        await fake.stop_listening()
        async with runtime(fake) as process:
            output, _ = await process.communicate()
        assert process.returncode == 1
        assert b"[CRITICAL]" in output

    async def test_the_emulator_ends_before_it(self, fake: FakeLambda) -> None:
        """As `sam local` ends: no failure, though the platform still sees one in the exit code."""
        async with runtime(fake, AWS_LAMBDA_LOG_LEVEL="INFO") as process:
            fake.invoke({**EVENT, "rawPath": "/hello"})
            await fake.finished()
            await fake.polled(2)
            await fake.stop_listening()
            output, _ = await process.communicate()
        assert process.returncode == 1
        assert b"[INFO]" in output
        assert b"the Runtime API is gone" in output
        assert b"[CRITICAL]" not in output
        assert b"lifespan stopped" in output


async def test_sockets_are_new_after_a_restore(fake: FakeLambda) -> None:
    async with runtime(fake, "snapstart_apps:app", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start"):
        fake.invoke()
        await fake.finished()
    (first, restored), (second, polled) = fake.gets[:2]
    assert restored == "/2018-06-01/runtime/restore/next"
    assert polled == "/2018-06-01/runtime/invocation/next"
    assert first != second


async def test_chance_is_new_after_a_restore(fake: FakeLambda) -> None:
    """All environments are restored from one snapshot, and so from one state of it."""
    async with runtime(fake, "snapstart_apps:app", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start"):
        fake.invoke({**EVENT, "rawPath": "/random"})
        post = await fake.finished()
    assert float(post.payload) != random.Random(7).random()  # noqa: S311 - as the app draws it


async def test_polling_keeps_its_connection_and_each_response_has_its_own(
    fake: FakeLambda,
) -> None:
    async with runtime(fake):
        for number in range(3):
            fake.invoke({**EVENT, "rawPath": "/hello"})
            await fake.finished(number)
    assert len({connection for connection, _ in fake.gets}) == 1
    assert len({post.connection for post in fake.posts}) == 3


@pytest.mark.parametrize("fault", ["closes_after_next", "drops_second_request"])
async def test_a_kept_connection_that_was_closed_is_replaced(fake: FakeLambda, fault: str) -> None:
    setattr(fake, fault, True)
    async with runtime(fake):
        for number in range(2):
            fake.invoke({**EVENT, "rawPath": "/hello"})
            await fake.finished(number)


async def test_the_path_is_that_of_the_managed_runtime(fake: FakeLambda, tmp_path: Path) -> None:
    added = tmp_path / "added"
    added.mkdir()
    (tmp_path / "task" / "function").mkdir(parents=True)
    (tmp_path / "task" / "layer.pth").write_text(f"{added}\n")
    (tmp_path / "task" / "function" / "path.py").write_text(
        "import sys\n"
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': '\\n'.join(sys.path).encode()})\n"
    )
    task = str(tmp_path / "task")
    async with runtime(fake, "function.path:app", LAMBDA_TASK_ROOT=task):
        fake.invoke()
        path = (await fake.finished()).payload.decode().split("\n")
    assert path[:4] == [
        task,
        f"/opt/python/lib/{Path(sys.executable).name}/site-packages",
        "/opt/python",
        "/var/runtime",
    ]
    assert str(added) in path
    assert str(HERE) not in path


async def test_the_same_app_behind_uvicorn(fake: FakeLambda, unused_tcp_port: int) -> None:
    endpoint = f"127.0.0.1:{unused_tcp_port}"
    async with runtime(fake, AWS_LAMBDA_HTTP_ENDPOINT=endpoint) as process:
        transport = httpx2.AsyncHTTPTransport(retries=8)
        async with httpx2.AsyncClient(transport=transport, timeout=30) as client:
            response = await client.get(f"http://{endpoint}/hello")
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()
    assert response.json() == {"lambda": False, "state": "yes"}
    assert b"lifespan stopped" in output
    assert fake.gets == []


async def test_without_lambda_it_says_what_to_set() -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(WRAPPER), sys.executable), env={}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"AWS_LAMBDA_HTTP_ENDPOINT=127.0.0.1:8000" in said
