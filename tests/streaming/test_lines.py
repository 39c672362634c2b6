"""One line of JSON stays one line, whoever reads it."""

import json

import pytest

from sidestream.streaming.lines import one_line

SEPARATORS = ["\u0085", "\u2028", "\u2029"]


@pytest.mark.parametrize("char", SEPARATORS, ids=ascii)
def test_a_separator_is_escaped_once(char: str) -> None:
    escape = f"\\u{ord(char):04x}"
    for text in (char, f"a{char}{char}b", f"\\{char}", f'"{escape}{char}', escape):
        line = one_line(json.dumps(text, ensure_ascii=False))
        assert line.splitlines() == [line]
        assert json.loads(line) == text
        assert one_line(line) == line


def test_other_text_stays_as_it_is() -> None:
    text = json.dumps("دودھ 🥛\n", ensure_ascii=False)
    assert one_line(text) is text
