"""`sidestream invoke`: a built function in a container, as the SAM CLI runs it, for one event."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from sidestream.cli.errors import CommandError
from sidestream.cli.local import FOLDER, FolderOption

if TYPE_CHECKING:
    from sidestream.local.endpoints import Endpoints

CHAT: Final = "chat"
_NO_ENGINE: Final = (
    "No container engine lets `sam local` reach the local system. Start Docker, Finch or Podman "
    "(DOCKER_HOST names another socket), then the local system again."
)


def invoke(
    function: Annotated[
        str, typer.Argument(help="chat, the domain's name, or a name of template.yaml.")
    ] = CHAT,
    event: Annotated[
        str, typer.Option(help="One of tests/events by its name, or the path of another.")
    ] = "",
    message: Annotated[str, typer.Option(help="Say this to the chat.")] = "",
    user: Annotated[str, typer.Option(help="Whom the event speaks for.")] = "alice",
    template: Annotated[
        Path | None, typer.Option(help="A built template. Without it the project's, built anew.")
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Run a built function in a container, for one event with a fresh token in it.

    Builds what is stale, and starts the local system for as long as it takes if none runs.
    """
    from sidestream.local import sam_cli
    from sidestream.local.endpoints import Endpoints
    from sidestream.local.errors import LocalSystemError

    built = template.resolve() if template else sam_cli.BUILT
    invocation = _Invocation(
        function, event, message, user, built, folder.resolve(), dict(os.environ)
    )
    console = Console(stderr=True)
    try:
        if template is None and sam_cli.is_stale():
            console.print("Building ...")
            sam_cli.build(sys.stderr)
        if endpoints := Endpoints.read(invocation.folder):
            code = invocation.run(endpoints)
        else:
            console.print("Starting the local system ...")
            code = asyncio.run(invocation.run_with_a_system())
    except LocalSystemError as error:
        raise CommandError(str(error)) from error
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _Invocation:
    """What was asked for: `shell` is the person's own environment."""

    function: str
    event: str
    message: str
    user: str
    template: Path
    folder: Path
    shell: Mapping[str, str]

    async def run_with_a_system(self) -> int:
        """Run it against a system that ends with it. Gives the exit code."""
        from sidestream.local.engine import engine_socket
        from sidestream.local.environment import isolate
        from sidestream.local.settings import LocalOptions, personal_settings
        from sidestream.local.system import LocalSystem

        options = LocalOptions(
            folder=self.folder,
            chat_port=0,
            tools_port=0,
            settings=personal_settings(),
            engine=engine_socket(),
        )
        isolate()
        async with LocalSystem(options) as system:
            return await asyncio.to_thread(self.run, system.endpoints)

    def run(self, endpoints: "Endpoints") -> int:
        """Run it against a running system, and show what came. Gives the exit code."""
        from sidestream.cli.lambda_answer import LambdaAnswer
        from sidestream.local import sam_cli
        from sidestream.local.keys import write_private

        files = self.folder / "sam"
        if not (files / "env.json").exists():
            raise CommandError(_NO_ENGINE)
        path = files / "event.json"
        write_private(path, json.dumps(self._document(endpoints), ensure_ascii=False))
        code, output = sam_cli.invoke(
            self._function(endpoints), path, template=self.template, files=files, shell=self.shell
        )
        answer = LambdaAnswer.read(output)
        if answer is None:
            sys.stdout.write(output.decode(errors="replace"))
            return code or 1
        answer.show(Console(highlight=False))
        return code

    def _function(self, endpoints: "Endpoints") -> str:
        from sidestream.local.functions import CHAT as CHAT_FUNCTION
        from sidestream.local.settings import load_domain

        names = {CHAT: CHAT_FUNCTION, endpoints.name: load_domain(endpoints.domain).function}
        name = names.get(self.function, self.function)
        if name not in names.values():
            raise CommandError(f"There is no function {self.function}, only {', '.join(names)}.")
        return name

    def _document(self, endpoints: "Endpoints") -> dict[str, Any]:
        from sidestream.local.sample_events import of_user, saying, tool_token
        from sidestream.local.sign_in import mint

        is_chat = self.function in (CHAT, "ChatFunction")
        if self.message and not is_chat:
            raise CommandError("Only the chat takes a message.")
        name = self.event or ("chat_plain" if is_chat else f"{endpoints.name}_list")
        document = _read(name)
        if self.message:
            document = saying(document, self.message)
        is_mcp = document.get("rawPath") == "/mcp"
        token = (tool_token if is_mcp else mint)(self.folder, self.user)
        return of_user(document, self.user, token)


def _read(name: str) -> dict[str, Any]:
    """Read an event. Raises `CommandError` when there is none, or it is none of a Function URL."""
    from sidestream.local.settings import PROJECT

    path = PROJECT / "tests/events" / f"{name}.json"
    path = path if path.exists() else Path(name)
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if {"rawPath", "headers", "requestContext"} <= document.keys():
            return document
    except FileNotFoundError:
        known = sorted(path.stem for path in (PROJECT / "tests/events").glob("*.json"))
        raise CommandError(f"There is no event {name}. There are {', '.join(known)}.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from None
    raise CommandError(f"{path} is no event of a Function URL.")
