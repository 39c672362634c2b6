"""Text as rules see it, and which language it is in.

Rules match a *folded* copy of the text, which has the same length as the original: letters that
are typed in several ways (Arabic and Urdu kaf, curly and straight quotes, digits of three scripts)
become one. What a rule captures is then cut from the original, so a title keeps its bytes.
"""

import re
from dataclasses import dataclass
from functools import cached_property

_FOLDS = {
    **dict.fromkeys("يىئ", "ی"),
    "ك": "ک",
    **dict.fromkeys("هةۀ", "ہ"),
    **dict.fromkeys("‘’ʼ`", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("\u00a0\u200b\u200c\u200d\u200e\u200f\u061c\ufeff", " "),
    "؟": "?",
    "۔": ".",
    "،": ",",
    "؛": ";",
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
}
_QUOTED = re.compile(r'"[^"\n]+"|(?<![^\s:])\'[^\'\n]+\'(?![^\s.,;:!?])')
_MASK = "\ue000"


def fold(text: str) -> str:
    """The text in one spelling, character for character: the result has the same length."""
    return "".join(_FOLDS.get(c) or (c.lower() if len(c.lower()) == 1 else c) for c in text)


@dataclass(frozen=True)
class Text:
    """A piece of a message: as written, and as rules see it (folded, quoted words hidden)."""

    original: str
    masked: str

    @classmethod
    def of(cls, original: str) -> "Text":
        """A whole message."""
        hidden = _QUOTED.sub(lambda m: m[0][0] + _MASK * (len(m[0]) - 2) + m[0][-1], fold(original))
        return cls(original, hidden)

    @cached_property
    def folded(self) -> str:
        """Folded, with quoted words visible."""
        return fold(self.original)

    def cut(self, start: int, end: int | None = None) -> "Text":
        """The piece between two positions, without white space around it."""
        piece = Text(self.original[start:end], self.masked[start:end])
        left = len(piece.masked) - len(piece.masked.lstrip())
        right = len(piece.masked.rstrip())
        return Text(piece.original[left:right], piece.masked[left:right])

    def group(self, match: re.Match[str], name: str) -> "Text":
        """What a named group of a match against `masked` captured."""
        return self.cut(*match.span(name))
