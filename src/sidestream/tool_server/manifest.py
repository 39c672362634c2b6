"""The tools as JSON, for the chat, which builds its function tools from the file and imports
nothing of the server. Run `python -m sidestream.tool_server.manifest <package of the domain>` after
a change to a tool; a test compares the file with what the server lists.
"""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def main(arguments: Sequence[str]) -> None:
    """Write the manifest of the one package that is named."""
    if len(arguments) != 1:
        raise SystemExit("Name the package of the domain, such as sidestream.tasks.")
    write(arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
