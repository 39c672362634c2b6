"""Text that can be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.storable import Pieces, storable, storable_json

SMILE = "\U0001f642"
ANY = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("آداب " + SMILE, "آداب " + SMILE),
        ("\ud83d\ude42", SMILE),
        ("half \ud83d", "half \ufffd"),
        ("\ude42 other half", "\ufffd other half"),
        ("\ude42\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude42", "\ufffd" + SMILE),
        ("N\x00L", "N\ufffdL"),
        ("آ\x00", "آ\ufffd"),
    ],
)
def test_what_is_kept(text: str, kept: str) -> None:
    assert storable(text) == kept
    assert storable_json({text: [text, 7, None]}) == {kept: [kept, 7, None]}


@given(ANY)
def test_any_text(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert "\x00" not in kept
    assert storable(kept) == kept


@given(st.lists(ANY))
def test_pieces_are_kept_as_the_whole_would_be(pieces: list[str]) -> None:
    text = Pieces()
    assert "".join([*map(text.feed, pieces), text.close()]) == storable("".join(pieces))
