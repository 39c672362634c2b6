"""`sidestream local`: the whole system on this machine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from sidestream.cli.errors import CommandError

if TYPE_CHECKING:
    from sidestream.local.endpoints import Endpoints

FOLDER: Final = Path(".local")

FolderOption = Annotated[
    Path, typer.Option(help="Where the local system keeps its data and its endpoints.json.")
]


DomainOption = Annotated[
    str, typer.Option(help="The package of the domain. Without it, that of the setting DOMAIN.")
]


def local(
    folder: FolderOption = FOLDER,
    domain: DomainOption = "",
    web: Annotated[bool, typer.Option("--web", help="Serve the page as well.")] = False,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Stop functions between requests, as Lambda does.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all data first.")] = False,
    scripted: Annotated[
        bool,
        typer.Option("--scripted", help="Use the scripted model, and none of your own settings."),
    ] = False,
    secrets_manager: Annotated[
        bool,
        typer.Option("--secrets-manager", help="Keep the secrets in the local Secrets Manager."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no log lines.")] = False,
    chat_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8701,
    tools_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8702,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 3000,
    model_delay_ms: Annotated[
        float, typer.Option(min=0, help="The scripted model's pause before each word.")
    ] = 30,
) -> None:
    """Run both functions, their database, AWS and the model on this machine, until Ctrl-C."""
    from sidestream import network
    from sidestream.local.aws import AwsError
    from sidestream.local.engine import engine_socket
    from sidestream.local.environment import isolate
    from sidestream.local.errors import LocalSystemError
    from sidestream.local.page import PageError
    from sidestream.local.postgres import PostgresError
    from sidestream.local.serve import serve
    from sidestream.local.settings import LocalOptions, foreign_domain, personal_settings
    from sidestream.local.system import wipe

    console = Console()
    foreign = "" if scripted or domain else foreign_domain()
    settings = {} if scripted else personal_settings(foreign={"DOMAIN"} if foreign else ())
    options = LocalOptions(
        folder=folder.resolve(),
        chat_port=chat_port,
        tools_port=tools_port,
        web_port=web_port,
        web=web,
        freeze=freeze,
        settings=settings | ({"DOMAIN": domain} if domain else {}),
        model_delay_ms=model_delay_ms,
        secrets_manager=secrets_manager,
        engine=engine_socket(),
    )
    isolate()
    if not options.scripted:
        network.check_proxies()
    console.print("Starting the local system ...")
    if foreign:
        console.print(
            f"DOMAIN is {foreign} in this shell, and no package of that name has a pack: it is "
            "left alone. --domain names one (make run DOMAIN=<package>).",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if options.scripted:
        reason = "" if scripted else "No OPENAI_API_KEY is set. "
        console.print(f"{reason}A scripted model answers, by rule.")

    def on_ready(endpoints: "Endpoints") -> None:
        for name, value in _rows(endpoints):
            console.print(f"  [cyan]{name:<9}[/] {value}", soft_wrap=True, highlight=False)
        console.print("Ready. Ctrl-C ends it.")

    try:
        if fresh:
            wipe(options)
        asyncio.run(serve(options, None if quiet else console, on_ready))
    except (LocalSystemError, PageError, PostgresError, AwsError) as error:
        raise CommandError(str(error)) from error
    console.print("Stopped.")


def _rows(endpoints: "Endpoints") -> Iterator[tuple[str, str]]:
    if endpoints.web:
        yield "page", endpoints.web
    yield "chat", endpoints.chat
    yield endpoints.name, endpoints.tools
    yield "database", endpoints.database_url
    yield "sign-in", endpoints.auth
    yield "model", endpoints.model or "your own"
    yield "aws", endpoints.aws
