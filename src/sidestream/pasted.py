"""What comes along when a value is pasted: the line end of `echo`, a byte order mark, the quotes of
an example. Round a value it is taken off where it can mean nothing, and refused where it may mean
something; inside a value it is refused. No sentence of this module quotes the value.
"""

import unicodedata
from typing import Any, Final

_REFERENCES: Final = {"${": "}", "$(": ")"}
_WRAPPERS: Final = frozenset({'""', "''", "``", "“”", "‘’", "„“", "«»", "<>", "{}"})
# Control, format (zero-width, byte order mark, direction), half a surrogate pair, line and
# paragraph separators: Unicode's general categories.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def stripped(text: str) -> str:
    """Take the white space and the zero-width characters off both ends."""
    start, end = 0, len(text)
    while start < end and _is_nothing(text[start]):
        start += 1
    while start < end and _is_nothing(text[end - 1]):
        end -= 1
    return text[start:end]


def cleaned(value: Any) -> Any:
    """Strip a text, or each text inside a list or a mapping, where empty ones in lists are dropped.

    Raises `ValueError` for what cannot be right: quotes or brackets round the whole, a reference
    such as `${NAME}` instead of what it stands for, and characters inside that nobody sees.
    """
    match value:
        case str():
            return _plain(stripped(value))
        case list():
            return [each for each in map(cleaned, value) if each != ""]
        case dict():
            return {name: cleaned(each) for name, each in value.items()}
    return value


def _plain(text: str) -> str:
    if len(text) > 1 and text[0] + text[-1] in _WRAPPERS:
        raise ValueError("it has quotes or brackets round it")
    if text and text[-1:] == _REFERENCES.get(text[:2], ""):
        raise ValueError("it is a reference that nothing has resolved")
    if any(_is_invisible(char) for char in text):
        raise ValueError("it has a line end or another invisible character inside it")
    return text


def _is_nothing(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in _INVISIBLE or (char.isspace() and char != " ")
