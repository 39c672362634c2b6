"""`sidestream eval`: how well the configured model does in the domain."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption

if TYPE_CHECKING:
    from sidestream.cli.judge import Verdict
    from sidestream.domain import Domain
    from sidestream.evaluation import Conversation, Evaluation
    from sidestream.local.endpoints import Endpoints

EXIT_BELOW: Final = 1


def evaluate(
    only: Annotated[
        str, typer.Option(help="Play those whose name has this in it, such as delete, or (ur).")
    ] = "",
    repeat: Annotated[int, typer.Option(min=1, max=50, help="Play each so often.")] = 1,
    at_least: Annotated[
        float, typer.Option(min=0, max=1, help="Exit with 1 below this share of passes.")
    ] = 0.9,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Play the domain's conversations to the model of the local system, and judge what came of
    each: in the data, in the trace, in words."""
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.environment import isolate

    endpoints = Endpoints.read(folder)
    if endpoints is None:
        raise CommandError("No local system runs here. Start one with `make run`.")
    isolate()
    domain, evaluation = _declared(endpoints)
    wanted = [one for one in evaluation.conversations if only in one.name]
    if not wanted:
        raise CommandError(f"No conversation has “{only}” in its name.")
    console = Console(highlight=False)
    verdicts = _play(console, folder, endpoints, domain, evaluation, wanted * repeat)
    model = _model(endpoints)
    console.print(_table(verdicts, f"{domain.name}: {model}"))
    passed = sum(verdict.passed for verdict in verdicts)
    console.print(_score(verdicts))
    if json_file is not None:
        _write(json_file, model, verdicts)
    if passed < at_least * len(verdicts):
        raise typer.Exit(EXIT_BELOW)


def _declared(endpoints: "Endpoints") -> "tuple[Domain, Evaluation]":
    from sidestream.domain import DomainError
    from sidestream.evaluation import load
    from sidestream.i18n import add
    from sidestream.local.settings import load_domain

    try:
        domain = load_domain(endpoints.domain)
        if domain.catalogues is not None:
            add(domain.catalogues)
        return domain, load(domain)
    except DomainError as error:
        raise CommandError(str(error)) from None


def _play(
    console: Console,
    folder: Path,
    endpoints: "Endpoints",
    domain: "Domain",
    evaluation: "Evaluation",
    wanted: "Sequence[Conversation]",
) -> "list[Verdict]":
    from sidestream.cli.conversation import Conversation as Line
    from sidestream.cli.judge import Judge, Verdict, new_user
    from sidestream.cli.things import ToolThings
    from sidestream.local.sign_in import mint

    verdicts = []
    with ToolThings(folder, endpoints) as things:
        judge = Judge(domain, evaluation, things)
        for conversation in track(wanted, "Playing", console=console, transient=True):
            user = new_user()
            with Line(endpoints.chat, mint(folder, user), locale=conversation.language) as line:
                try:
                    verdicts.append(judge.play(conversation, line, user))
                except CommandError as error:
                    verdicts.append(Verdict(conversation, [str(error)], [], None))
                with suppress(CommandError):  # what was found out is worth more than tidiness
                    line.delete()
    return verdicts


def _model(endpoints: "Endpoints") -> str:
    import httpx2

    from sidestream import network

    try:
        with network.client(endpoints.chat) as client:
            health = client.get(f"{endpoints.chat}/api/chatkit/health").json()
        return "the scripted model" if health.get("scripted") else str(health["model"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"The local system does not say which model it uses: {error}") from None


def _table(verdicts: "Sequence[Verdict]", title: str) -> Table:
    table = Table("", "conversation", "first word, ms", "tools", "what is wrong", title=title)
    for verdict in verdicts:
        table.add_row(
            "✓" if verdict.passed else "✗",
            verdict.conversation.name,
            "-" if verdict.ttft_ms is None else f"{verdict.ttft_ms:.0f}",
            Text(", ".join(verdict.tools)),
            Text("\n".join(verdict.faults)),
            style=None if verdict.passed else "bold red",
        )
    return table


def _score(verdicts: "Sequence[Verdict]") -> str:
    """The score: of all, and of each language."""
    groups = {"all": list(verdicts)}
    for verdict in verdicts:
        groups.setdefault(verdict.conversation.language, []).append(verdict)
    return "   ".join(
        f"{name} {sum(one.passed for one in group)} of {len(group)}"
        f" ({sum(one.passed for one in group) / len(group):.0%})"
        for name, group in groups.items()
    )


def _write(path: Path, model: str, verdicts: "Sequence[Verdict]") -> None:
    document = {
        "model": model,
        "passed": sum(verdict.passed for verdict in verdicts),
        "played": len(verdicts),
        "conversations": [
            {
                "about": verdict.conversation.about,
                "language": verdict.conversation.language,
                "passed": verdict.passed,
                "faults": list(verdict.faults),
                "tools": list(verdict.tools),
                "ttft_ms": verdict.ttft_ms,
            }
            for verdict in verdicts
        ],
    }
    try:
        path.write_text(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
