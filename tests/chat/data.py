"""What a request tells the model as data, read out of its marks."""

import re
from typing import Final

BEGINS: Final = re.compile(r"\[Data ([0-9a-f]{16})\]\n")


def data_in(told: str, behind: str = "") -> str:
    """The words between the marks, with which the text begins. `behind` is what follows them."""
    begins = BEGINS.match(told)
    assert begins, told[:80]
    end = f"\n[End of data {begins[1]}]"
    words, _end, rest = told[begins.end() :].partition(end)
    assert _end, told[-80:]
    assert begins[1] not in words
    assert rest.startswith(behind) if behind else not rest
    return words
