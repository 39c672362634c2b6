"""The types of files that can be attached, and the names such files have.

This is the only list: the health route gives it to the page, whose two panels offer, check and
announce files by it.
"""

from collections.abc import Mapping
from typing import Final

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
TEXT_TYPES: Final = frozenset(
    {"text/plain", "text/markdown", "text/csv", "text/html", "application/json"}
)

EXTENSIONS: Final[Mapping[str, str]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
}
"""What a file is by its name's end, in lower case. A browser's own word is worth less: it knows no
Markdown, and on a Windows with Excel it calls a CSV file a spreadsheet."""
