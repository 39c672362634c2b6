import base64

import pytest

from sidestream.problems import UnknownCursor
from sidestream.store import cursor
from sidestream.store.cursor import Cursor


@pytest.mark.parametrize("id_", ["thr_1", "دودھ", "a:b\nc", "x" * 300])
@pytest.mark.parametrize("place", [0, 7, 2**53])
def test_it_reads_what_it_wrote(id_: str, place: int) -> None:
    text = cursor.write("threads", Cursor(id_, place))
    assert id_ not in text
    assert cursor.read("threads", text) == Cursor(id_, place)


@pytest.mark.parametrize("text", ["thr_1", "", "ü", "a" * 500])
def test_what_is_no_cursor_is_the_id_of_a_row(text: str) -> None:
    assert cursor.read("threads", text) == Cursor(text)


def test_each_change_of_a_character_is_noticed() -> None:
    text = cursor.write("threads", Cursor("thr_1", 1_790_000_000_000_000))
    for at in range(len("cur_"), len(text)):
        for char in "A0_=é\0":
            changed = f"{text[:at]}{char}{text[at + 1 :]}"
            if changed != text:
                with pytest.raises(UnknownCursor):
                    cursor.read("threads", changed)
        with pytest.raises(UnknownCursor):
            cursor.read("threads", text[:at])


def test_one_of_another_list() -> None:
    text = cursor.write("thr_1", Cursor("msg_1", 7))
    for other in ("threads", "thr_2"):
        with pytest.raises(UnknownCursor):
            cursor.read(other, text)


@pytest.mark.parametrize("inner", ["", "7", "-1:00000000:x", "9" * 30 + ":00000000:x", "\ud800"])
def test_what_was_never_written(inner: str) -> None:
    encoded = base64.urlsafe_b64encode(inner.encode(errors="surrogatepass")).decode()
    with pytest.raises(UnknownCursor):
        cursor.read("threads", f"cur_{encoded}")
