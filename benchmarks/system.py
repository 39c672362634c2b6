"""A system of a benchmark's own, with no limit on requests, in a temporary folder."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem


@asynccontextmanager
async def open_system(
    *, web: bool = False, model_delay_ms: float = 0, environments: int = 20, **settings: str
) -> AsyncIterator[LocalSystem]:
    """Run a system whose model does not pause unless told, with more of the functions' settings if
    given."""
    folder = Path(tempfile.mkdtemp(prefix="sidestream-bench-"))
    os.chmod(folder, 0o755)  # noqa: S103 - Postgres may run as another user
    options = LocalOptions(
        folder=folder / "local",
        chat_port=0,
        tools_port=0,
        web_port=0,
        web=web,
        model_delay_ms=model_delay_ms,
        environments=environments,
        settings={"REQUESTS_PER_MINUTE": "0", "TOKENS_PER_DAY": "0", **settings},
        durable=False,
    )
    try:
        async with LocalSystem(options) as system:
            yield system
    finally:
        shutil.rmtree(folder, ignore_errors=True)
