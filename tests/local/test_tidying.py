"""The local system has go what nobody needs any more, by a schedule of its own."""

import json
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from sidestream.local.functions import TIDY_HANDLER
from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem
from sidestream.store.migrate import migrate
from tests.chat.until import until
from tests.tickets import PACKAGE


async def test_it_is_done_again_and_again_and_ends_with_the_system(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    options = LocalOptions(
        folder=tmp_path,
        chat_port=0,
        tools_port=0,
        web_port=0,
        settings={"DOMAIN": PACKAGE},
        durable=False,
        tidy_every_s=0.2,
    )
    system = LocalSystem(options, postgres=postgres)
    migrate(postgres.owner_url, folders=system.domain.migration_folders)
    log = tmp_path / "logs" / "tidy.log"

    async def done() -> bool:
        lines = log.read_text().splitlines() if log.exists() else []
        told = [json.loads(line) for line in lines if line.startswith('{"level"')]
        return len([line for line in told if line["message"] == "tidied"]) >= 2

    async with system:
        await until(done, within_s=60)
    left = [process.cmdline() for process in psutil.Process().children(recursive=True)]
    assert not [line for line in left if TIDY_HANDLER in line]
