"""`sidestream` itself: its commands, and what a person sees when one fails."""

import io
import sys
from typing import Annotated, Final

import typer
from rich.console import Console

from sidestream.cli.chat import chat
from sidestream.cli.doctor import doctor
from sidestream.cli.errors import CommandError
from sidestream.cli.eval import evaluate
from sidestream.cli.invoke import invoke
from sidestream.cli.local import local
from sidestream.cli.migrate import migrate
from sidestream.cli.tidy import tidy
from sidestream.cli.token import token
from sidestream.cli.ttft import ttft
from sidestream.network import UnusableProxy

EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

app = typer.Typer(
    help="An AI sidebar on OpenAI ChatKit, served from AWS Lambda.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (local, migrate, tidy, token, chat, ttft, doctor, invoke):
    app.command()(command)
app.command("eval")(evaluate)


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False,
) -> None:
    """Options before the command."""
    context.obj = debug


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Every failure ends in a sentence and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    # Not every terminal can write every word, or sends what its locale promises.
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "replace"),
        (sys.stderr, "replace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    try:
        app(given)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if "--debug" in given:
            raise
        Console(stderr=True).print(f"sidestream: {_sentence(error)}", soft_wrap=True, markup=False)
        sys.exit(EXIT_FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, CommandError | UnusableProxy):
        return str(error)
    return f"{type(error).__name__}: {error} (run again with --debug for the traceback)"
