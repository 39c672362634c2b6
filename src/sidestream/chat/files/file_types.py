"""The types of files that can be attached, and how a file's type is told: by its name, and by a
look at its bytes.

This is the only list: the health route gives it to the page, whose two panels offer, check and
announce files by it.
"""

import codecs
import re
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

HEAD_BYTES: Final = 1445
"""How much of a file is looked at (WHATWG MIME Sniffing, 5.2, "resource header")."""

_ESSENCE: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+", re.ASCII)
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# WHATWG MIME Sniffing, 3, "binary data byte".
_BINARY: Final = bytes({*range(0x20)} - {*b"\t\n\f\r\x1b"})


def file_type(name: str, announced: str) -> str | None:
    """Give the type that a file has by its name, or else by what a browser calls it, whose
    parameters say nothing here; None when it is not one that can be attached."""
    essence = announced.partition(";")[0].strip().lower()
    if not announced.isprintable():
        return None
    if not _ESSENCE.fullmatch(essence):
        essence = ""
    _, dot, ending = name.strip().lower().rpartition(".")
    known = EXTENSIONS.get(dot + ending, essence)
    return known if known in IMAGE_TYPES | TEXT_TYPES else None


def has_type(mime_type: str, head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is the kind that its type says: an image (of
    whichever type, `image_type` tells), or a text."""
    if mime_type in IMAGE_TYPES:
        return image_type(head) is not None
    if head.startswith(tuple(_BYTE_ORDER_MARKS)):
        return True
    foreign = image_type(head) or head.startswith(b"%PDF-")
    return not foreign and len(head.translate(None, _BINARY)) == len(head)


def text_of(content: bytes) -> str:
    """Read a text file: by its byte order mark, as UTF-8, or else in the encoding that browsers
    fall back to (WHATWG HTML, 13.2.3.2), which is what Excel writes into a CSV file."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def image_type(content: bytes) -> str | None:
    """Tell the type of an image by its first bytes (WHATWG MIME Sniffing, 6.1)."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:14] == b"WEBPVP":
        return "image/webp"
    return None
