"""The tools as JSON, for the chat, which builds its function tools from the file and imports
nothing of the server. Run `python -m sidestream.tasks.manifest` after a change to a tool; a test
compares the file with what the server lists.
"""

import json
from pathlib import Path
from typing import Any, Final

from sidestream.tasks.tools import TOOLS

PATH: Final = Path(__file__).with_name("tools.json")


def manifest() -> list[dict[str, Any]]:
    """Give what the chat needs of each tool: `name, title, description, inputSchema, annotations`,
    as in `tools/list`."""
    return [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"output_schema"})
        for tool in TOOLS
    ]


def write() -> None:
    """Write the file that the chat reads."""
    text = json.dumps(manifest(), indent=2, ensure_ascii=False)
    PATH.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
