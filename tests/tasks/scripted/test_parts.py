"""The small parts: stories, dates, languages, hostile messages."""

import re
import string
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.local.model.text import fold
from sidestream.tasks.scripted.dates import read_due
from sidestream.tasks.scripted.phrases import ENGLISH_PHRASES, URDU_PHRASES
from sidestream.tasks.scripted.understand import LANGUAGES, language_of, read
from sidestream.time_zone import time_zone
from tests.tasks.scripted.tasklist import NOW


class TestStory:
    @pytest.mark.parametrize(
        ("message", "words"),
        [
            ("tell me a story of 300 words", 300),
            ("write a 25-word story about dogs", 25),
            ("Tell me a story in 1,000 words please", 1000),
            ("300 الفاظ کی کہانی سناؤ", 300),
            ("۳۰ الفاظ کی کہانی سنائیں", 30),
        ],
    )
    def test_length_is_understood(self, message: str, words: int) -> None:
        (intent,) = read(message).intents
        assert intent.count == words


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("2026-12-31", "2026-12-31"),
        ("tomorrow", "2026-11-21"),
        ("today at 12am", "2026-11-20T00:00:00"),
        ("friday at 17:30", "2026-11-27T17:30:00"),
        ("next monday", "2026-11-23"),
        ("in 3 days", "2026-11-23"),
        ("کل تک", "2026-11-21"),
        ("the day after tomorrow", "2026-11-22"),
        ("in two days", "2026-11-22"),
        ("in a week", "2026-11-27"),
        ("on friday", "2026-11-27"),
        ("next week", "2026-11-27"),
        ("پرسوں", "2026-11-22"),
        ("دو دن بعد", "2026-11-22"),
        ("اگلے ہفتے", "2026-11-27"),
        ("ہفتے کو", "2026-11-21"),
        ("اگلے پیر کو", "2026-11-23"),
        ("2026-12-31t09:00", "2026-12-31T09:00:00"),
        ("2026-12-31t09:00z", "2026-12-31T09:00:00Z"),
        ("2026-12-31t09:00+05:00", "2026-12-31T09:00:00+05:00"),
        ("آج", "2026-11-20"),
        ("in many days", None),
        ("2026-02-31", None),
        ("someday", None),
        ("tomorrow at 99", None),
    ],
)
def test_due_dates(said: str, due: str | None) -> None:
    assert read_due(said, NOW) == due
    assert due is None or datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("zone", "tomorrow"),
    [
        ("Asia/Karachi", "2026-11-21"),
        ("Pacific/Kiritimati", "2026-11-22"),
        ("America/New_York", "2026-11-21"),
        ("Pacific/Pago_Pago", "2026-11-20"),
    ],
)
@pytest.mark.parametrize("said", ["tomorrow", "کل"])
def test_tomorrow_is_that_of_the_persons_clock(said: str, zone: str, tomorrow: str) -> None:
    """At 10:30 in London, where it is the 20th."""
    assert read_due(said, NOW.astimezone(time_zone(zone))) == tomorrow


def test_languages_have_the_same_phrases_and_blanks() -> None:
    assert ENGLISH_PHRASES.keys() == URDU_PHRASES.keys()
    for key, phrase in ENGLISH_PHRASES.items():
        blanks = [
            {b for _, b, _, _ in string.Formatter().parse(p) if b}
            for p in (phrase, URDU_PHRASES[key])
        ]
        assert blanks[0] == blanks[1], key


def test_patterns_are_in_folded_letters() -> None:
    """A pattern with a letter that folding replaces could never match."""
    for language in LANGUAGES:
        for rule in language.rules:
            letters = re.sub(r"[^\u0600-\u06ff]", "", rule.pattern.pattern)
            assert fold(letters) == letters


@pytest.mark.parametrize(
    ("message", "code"),
    [("hello", "en"), ("سلام", "ur"), ("“دودھ” milk bottle", "en"), ("2", "en"), ("«دودھ»", "ur")],
)
def test_language(message: str, code: str) -> None:
    assert language_of(message).code == code


@given(st.text(max_size=300))
def test_any_message_is_read(message: str) -> None:
    assert read(message).intents


@given(
    st.lists(
        st.sampled_from(("add ", "and ", "، ", "اور ", "task ", "کام ", '"', "2 ", ". ", ";\n")),
        max_size=60,
    )
)
def test_any_mixture_is_read(pieces: list[str]) -> None:
    assert read("".join(pieces)).intents
