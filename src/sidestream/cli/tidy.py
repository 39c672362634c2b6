"""`sidestream tidy`: what nobody needs any more goes, as the schedule has it do."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Annotated

from rich.console import Console

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption
from sidestream.cli.option import pasted


def tidy(
    url: Annotated[
        str,
        pasted(
            help="The pooled connection, as sidestream_app. Without it: the local system that runs."
        ),
    ] = "",
    bucket: Annotated[
        str, pasted(help="The bucket of that database's attachments. Without it: rows alone.")
    ] = "",
    folder: FolderOption = FOLDER,
) -> None:
    """Have go what is past keeping: events of runs, runs, files that are nobody's."""
    from sidestream.chat.tidy.job import tidy as do
    from sidestream.config import SettingsError, TidySettings
    from sidestream.local.environment import forget_libpq
    from sidestream.problems import Problem

    if url:
        forget_libpq()
    else:
        url, bucket = _local(folder)
    gone: Counter[str] = Counter()
    try:
        settings = TidySettings.load(database_url=url, attachments_bucket=bucket)
        asyncio.run(do(settings, gone))
    except SettingsError as error:
        raise CommandError(str(error)) from None
    except Problem as problem:
        raise CommandError(f"It ended early ({+gone}): {problem.detail}") from None
    console = Console(highlight=False)
    for name, count in (+gone).items():
        console.print(f"{count} {name}")
    if not gone.total():
        console.print("Nothing is past keeping.")


def _local(folder: Path) -> tuple[str, str]:
    """The database and the bucket of the local system, whose AWS this process then talks to."""
    from sidestream.local.aws import BUCKET
    from sidestream.local.emulator.variables import REGION
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import isolate

    endpoints = Endpoints.read(folder)
    if endpoints is None:
        raise CommandError("Give --url: no local system runs here.")
    isolate()
    os.environ |= {
        "AWS_ENDPOINT_URL": endpoints.aws,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    return endpoints.app_database_url, BUCKET
