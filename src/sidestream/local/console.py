"""What the terminal shows of the functions' logs, and the files that keep all of it.

A function's line on the screen is its level, its message and the end of its request id. The whole
line, as CloudWatch would have it, goes to `logs/<function>.log`.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.text import Text

_STYLES = {"WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red", "DEBUG": "dim"}
_REQUEST_ID_NAMES = ("request_id", "function_request_id", "requestId", "aws_request_id")
_DETAIL_NAMES = ("tool", "outcome", "method", "route", "status", "code")
_SHORT_ID_CHARS = 8
_PROBE = "/healthz"
_SILENT = frozenset({"aws", "page-build"})


class LogBook:
    """Receives every line of every function. A context manager, which closes its files."""

    def __init__(self, folder: Path, console: Console | None) -> None:
        self._folder = folder
        self._console = console
        self._files: dict[str, TextIO] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, line: str) -> None:
        """Keep a line that `name` printed, and show it."""
        if name not in self._files:
            self._files[name] = self.path(name).open("w", encoding="utf-8", buffering=1)
        self._files[name].write(line + "\n")
        if self._console is None or name in _SILENT:
            return
        if (text := shorten(name, line)) is not None:
            self._console.print(text, soft_wrap=True)

    def path(self, name: str) -> Path:
        """The file that keeps what `name` prints."""
        return self._folder / f"{name}.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()


def shorten(name: str, line: str) -> Text | None:
    """The line as the screen shows it; None when it is not worth a person's eye."""
    if not line.strip() or line.startswith(("REPORT ", "START ", "END ")):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return _text(name, "INFO", line)
    if not isinstance(record, dict):
        return _text(name, "INFO", line)
    if "_aws" in record and "message" not in record:
        return _text(name, "INFO", _metrics(record), _request_id(record))
    if record.get("route") == _PROBE:
        return None
    message = record.get("message", "")
    said = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    details = " ".join(str(record[name]) for name in _DETAIL_NAMES if name in record)
    said = f"{said}: {details}" if details else said
    if error := record.get("exception_name") or record.get("errorType"):
        said = f"{said} ({error})"
    if record.get("level") == "CRITICAL" and (cause := record.get("errorMessage")):
        said = f"{said}: {cause}"  # nothing runs after it, and a person wants to know why
    return _text(name, str(record.get("level", "INFO")), said, _request_id(record))


def _text(name: str, level: str, message: str, request_id: str = "") -> Text:
    text = Text()
    text.append(f"{name:<5} ", style="cyan")
    text.append(f"{level:<9}", style=_STYLES.get(level, "dim"))
    text.append(message)
    if request_id:
        text.append(f"  {request_id[-_SHORT_ID_CHARS:]}", style="dim")
    return text


def _request_id(record: dict[str, Any]) -> str:
    return next((str(record[name]) for name in _REQUEST_ID_NAMES if record.get(name)), "")


def _metrics(record: dict[str, Any]) -> str:
    """The values of a CloudWatch embedded metric record, by name."""
    names = [
        metric["Name"]
        for group in record["_aws"].get("CloudWatchMetrics", [])
        for metric in group.get("Metrics", [])
    ]
    return " ".join(f"{name}={_number(record.get(name))}" for name in names)


def _number(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return f"{value:g}" if isinstance(value, int | float) else str(value)
