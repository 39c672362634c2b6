"""What a function answered, as `sam local` prints it: made readable.

A streamed answer is the prelude (JSON), eight NULs, and the body; a buffered one is one JSON
document. The trailers of a stream do not pass AWS's emulator, which says nothing of a failure after
the prelude: a stream that was cut has no end mark.
"""

import base64
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

from rich.console import Console

_SEPARATOR: Final = b"\0" * 8


@dataclass(frozen=True, slots=True)
class LambdaAnswer:
    """An HTTP answer: its status, its headers by lower-case name, and its body."""

    status: int
    headers: dict[str, str]
    body: str

    @classmethod
    def read(cls, output: bytes) -> Self | None:
        """Read what a function answered. None for what is no HTTP answer."""
        prelude, separator, rest = output.partition(_SEPARATOR)
        try:
            document = json.loads(prelude[prelude.index(b"{") :])
            headers = {name.lower(): str(text) for name, text in document["headers"].items()}
            status = int(document["statusCode"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        body = rest.decode(errors="replace") if separator else _body(document)
        return cls(status, headers, body)

    def show(self, console: Console) -> None:
        """Print it: status, headers, and the body, an event stream event by event."""
        good = self.status < HTTPStatus.BAD_REQUEST
        words = HTTPStatus(self.status).phrase if self.status in HTTPStatus else ""
        _line(console, f"{self.status} {words}", "bold green" if good else "bold red")
        for name, text in sorted(self.headers.items()):
            _line(console, f"{name}: {text}", "dim")
        console.print()
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            for frame in self.body.rstrip("\n").split("\n\n"):
                _line(console, frame)
        else:
            _line(console, _indented(self.body))


def _body(document: dict[str, Any]) -> str:
    text = str(document.get("body") or "")
    if document.get("isBase64Encoded"):
        return base64.b64decode(text).decode(errors="replace")
    return text


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
