"""The tools as JSON, for the chat, which builds its function tools from the file and imports
nothing of the server. Run `python -m sidestream.tool_server.manifest <package of the domain>` after
a change to a tool; with `--check` it says what does not fit, and writes nothing.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sidestream.domain import DomainError, load
from sidestream.tool_server.tools import ToolServer


def manifest(server: ToolServer[Any]) -> list[dict[str, Any]]:
    """Give what the chat needs of each tool: `name, title, description, inputSchema, annotations`,
    as in `tools/list`."""
    return [
        tool.listed.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"output_schema"}
        )
        for tool in server.tools
    ]


def write(package: str) -> Path:
    """Write the file that the package's pack names, from the `SERVER` of its `tools`."""
    server = importlib.import_module(f"{package}.tools").SERVER
    path: Path = importlib.import_module(f"{package}.pack").DOMAIN.manifest
    text = json.dumps(manifest(server), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def check(package: str) -> Iterator[str]:
    """Give what does not fit of a domain, in sentences: its manifest, or its pack."""
    try:
        if _is_stale(package):
            yield (
                f"The manifest of {package} is not what its server lists. Write it again: "
                f"python -m sidestream.tool_server.manifest {package}"
            )
        load(package)
    except DomainError as error:
        yield str(error)


def _is_stale(package: str) -> bool:
    """Tell whether the manifest differs from what the package's own server lists, if it has one.
    Raises `DomainError` for a server that cannot be imported."""
    server = _server(package)
    try:
        entries = importlib.import_module(f"{package}.pack").DOMAIN.entries
    except (ImportError, AttributeError, DomainError):
        return False  # which `load` tells
    return server is not None and list(entries) != manifest(server)


def _server(package: str) -> ToolServer[Any] | None:
    name = f"{package}.tools"
    try:
        return getattr(importlib.import_module(name), "SERVER", None)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            return None
        raise DomainError(f"The server {name} cannot be imported ({error}).") from error


def main(arguments: Sequence[str]) -> None:
    """Write or check the manifest of the packages that are named."""
    packages = [argument for argument in arguments if argument != "--check"]
    if not packages:
        raise SystemExit("Name the package of the domain, such as sidestream.tasks.")
    if "--check" not in arguments:
        for package in packages:
            write(package)
    elif said := [sentence for package in packages for sentence in check(package)]:
        raise SystemExit("\n".join(said))


if __name__ == "__main__":
    main(sys.argv[1:])
