"""Characters that end a line for some readers, and for others do not.

JSON may hold them as they are (RFC 8259 section 7) and only CR and LF end a line of an event stream
(WHATWG HTML section 9.2.6), but `str.splitlines` and many clients split at them.
"""

from typing import Final

_LINE_ENDS: Final = ("\x85", "\u2028", "\u2029")


def one_line(text: str) -> str:
    """Write U+0085, U+2028 and U+2029 as the escapes of JSON, where they may stand in strings."""
    for char in _LINE_ENDS:
        if char in text:
            text = text.replace(char, f"\\u{ord(char):04x}")
    return text
