"""Every user-facing text of the source, found by reading it: what `_()` marks, what problems say.

A problem's `title` and its `detail` are texts without being marked. Both have to be constants.
"""

import ast
import inspect
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel import Locale
from babel.core import get_global, parse_locale

import sidestream
from sidestream import problems

SOURCE = Path(sidestream.__file__).parent
SHOWN = (
    "chat",
    "sessions",
    "store",
    "tool_server",
    "identity.py",
    "key_set.py",
    "token_fault.py",
    "problems.py",
    "problem_handlers.py",
    "request_context.py",
    "config.py",
    "telemetry.py",
    "domain.py",
    "field_errors.py",
)
"""What can reach a person through ChatFunction, whatever the domain."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text and where it stands; `text` is None where it is no constant."""

    text: str | None
    place: str


def problem_classes() -> set[type[problems.Problem]]:
    """Every kind of problem."""
    found = {problems.Problem}
    while more := {sub for kind in found for sub in kind.__subclasses__()} - found:
        found |= more
    return found


def messages() -> Iterator[Message]:
    """Give every text of the source."""
    for kind in problem_classes():
        yield Message(kind.title, inspect.getfile(kind))
    for part in SHOWN:
        yield from messages_in(SOURCE / part)


def messages_in(path: Path) -> Iterator[Message]:
    """Give every text that a module, or the modules of a folder, declare."""
    names = {kind.__name__ for kind in problem_classes()}
    for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        yield from _of_module(module, names)


def _of_module(module: Path, problem_names: set[str]) -> Iterator[Message]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        if node.func.id in {"_", "Plural"} or node.func.id in problem_names:
            argument = node.args[0]
            is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            text = argument.value if is_text else None  # type: ignore[attr-defined]
            yield Message(text, f"{module}:{node.lineno}")


def placeholders(words: str) -> set[str]:
    """Give the names that a text has places for."""
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def is_in_script_of(language: str, words: str) -> bool:
    """Whether a text has letters of the script that a language is written in."""
    likely = get_global("likely_subtags")
    whole = likely.get(language) or likely[parse_locale(language)[0]]
    name = Locale("en").scripts[parse_locale(whole)[2] or ""].upper()
    return any(unicodedata.name(letter, "").startswith(name) for letter in words)
