"""Whether a text shows anything."""

import re
import unicodedata
from typing import Final

# Letters, marks and symbols that have no ink: fillers of Hangul, inherent vowels of Khmer, the
# empty Braille pattern, joiners and variation selectors (Unicode, Default_Ignorable_Code_Point).
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def is_visible(text: str) -> bool:
    """Tell whether a text has something to see in it: neither white space alone nor characters
    without ink, such as those that join, separate or turn others."""
    return any(
        unicodedata.category(char)[0] not in "ZC" and not _BLANK.match(char) for char in text
    )
