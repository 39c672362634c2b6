"""`sidestream chat`: talk to the assistant in the terminal."""

from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption
from sidestream.cli.option import pasted
from sidestream.i18n import DEFAULT_LOCALE, locales

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidestream.cli.conversation import Conversation
    from sidestream.cli.events import Event

EXIT_ANSWER_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130


def chat(
    message: Annotated[
        str | None, typer.Argument(help="One message. Without it, a conversation.")
    ] = None,
    thread: Annotated[str | None, typer.Option(help="Continue this thread.")] = None,
    user: Annotated[str, typer.Option(help="Whom the local system takes you for.")] = "alice",
    url: Annotated[
        str | None, pasted(help="A deployed ChatFunction. Without it, the local system.")
    ] = None,
    token: Annotated[
        str | None, pasted(envvar="SIDESTREAM_TOKEN", help="Your token for --url.")
    ] = None,
    locale: Annotated[
        str, typer.Option(help=f"Language of the tool calls: {', '.join(locales())}.")
    ] = DEFAULT_LOCALE,
    time_zone: Annotated[
        str | None,
        typer.Option(envvar="TZ", help="Your time zone: Asia/Karachi. Without it, this machine's."),
    ] = None,
    timing: Annotated[bool, typer.Option("--timing", help="Show the time to first token.")] = False,
    folder: FolderOption = FOLDER,
) -> None:
    """Talk to the assistant: words as they come, tool calls with their status."""
    from sidestream.cli.conversation import Conversation
    from sidestream.cli.time_zone import machine_zone

    base_url, bearer = reach(folder, user, url, token)
    console = Console(highlight=False)
    zone = machine_zone() if time_zone is None else time_zone.removeprefix(":")
    with Conversation(
        base_url, bearer, thread_id=thread, locale=locale, time_zone=zone
    ) as conversation:
        if message is not None:
            _Session(conversation, console, timing=timing).once(message)
        else:
            _Session(conversation, console, timing=timing).converse()


class _Session:
    """The messages of one start of the command."""

    def __init__(self, conversation: "Conversation", console: Console, *, timing: bool) -> None:
        self._conversation = conversation
        self._console = console
        self._timing = timing

    def once(self, message: str) -> None:
        """Send one message, and exit with what became of it."""
        failed = self._run(self._conversation.say(message))
        self._console.print(f"thread {self._conversation.thread_id}", style="dim")
        if failed:
            raise typer.Exit(EXIT_ANSWER_FAILED)

    def converse(self) -> None:
        """Take messages until the input ends."""
        while True:
            try:
                message = self._console.input("[bold cyan]you[/] ").strip()
            except (EOFError, KeyboardInterrupt):
                break
            if message:
                try:
                    self._run(self._conversation.say(message))
                except typer.Exit:
                    continue
                except CommandError as error:
                    self._console.print(str(error), style="bold red", markup=False)
        self._console.print(f"\nthread {self._conversation.thread_id}", style="dim")

    def _run(self, events: "Iterator[Event]") -> bool:
        """Show one answer, and the person's answers to its questions. Tells whether it failed."""
        from sidestream.cli.transcript import Transcript

        transcript = Transcript(self._console)
        try:
            transcript.show(events)
        except KeyboardInterrupt:
            self._console.print("\nStopping ...", style="yellow")
            self._conversation.stop()
            raise typer.Exit(EXIT_INTERRUPTED) from None
        if self._timing and transcript.ttft_ms is not None:
            self._console.print(f"first word after {transcript.ttft_ms:.0f} ms", style="dim")
        if transcript.question is not None and (answers := self._ask(transcript.question)):
            return self._run(self._conversation.answer(transcript.question["id"], answers))
        return transcript.failed

    def _ask(self, question: dict[str, object]) -> dict[str, list[str]]:
        """Put a structured input to the person. Gives nothing when there is nobody to answer."""
        from sidestream.cli.transcript import is_interactive, printable

        answers = {}
        inputs = question.get("inputs")
        for field in inputs if isinstance(inputs, list) else []:
            self._console.print(printable(field["question"]), markup=False)
            if hint := field.get("description"):
                self._console.print(printable(hint), style="dim", markup=False)
            values = [option["value"] for option in field.get("options", [])]
            for number, value in enumerate(values, 1):
                self._console.print(f"  {number}. {printable(value)}", markup=False)
            if not is_interactive():
                return {}
            given = self._console.input("[bold cyan]answer[/] ").strip()
            answers[field["id"]] = [_choice(given, values)] if given else []
        return answers


def _choice(given: str, values: list[str]) -> str:
    """The value that a person named by its number, or their own words."""
    if given.isdigit() and 0 < int(given) <= len(values):
        return values[int(given) - 1]
    return given


def reach(folder: "Path", user: str, url: str | None, token: str | None) -> tuple[str, str]:
    """Give the base URL of ChatFunction and a token for it: the deployed one that is named, or
    the local system's. Raises `CommandError`."""
    if url:
        if not token:
            raise CommandError("A deployed system needs --token (or SIDESTREAM_TOKEN).")
        return url, token
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import isolate
    from sidestream.local.sign_in import mint

    endpoints = Endpoints.read(folder)
    if endpoints is None:
        raise CommandError(
            "No local system runs here. Start one with `make run` or `sidestream local`, "
            "or name a deployed one with --url and --token."
        )
    isolate()
    return endpoints.chat, mint(folder, user)
