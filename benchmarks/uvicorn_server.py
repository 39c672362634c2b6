"""An app under uvicorn, in a process of its own: what ours is measured against."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sidestream.local.ports import free_port

HERE = Path(__file__).parent


@asynccontextmanager
async def under_uvicorn(app: str, env: Mapping[str, str], *options: str) -> AsyncIterator[str]:
    """Serve an app in a process of its own; its base URL."""
    port = free_port()
    arguments = ["--app-dir", str(HERE), "--port", str(port), "--log-level", "error"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "uvicorn", app, "--no-access-log", *arguments, *options),
        env={"PATH": os.environ["PATH"], **env},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await _listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)
