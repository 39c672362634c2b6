"""Languages: every text in every catalogue, and the choice between them."""

import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import babel
import pytest

import sidestream.chat.app  # every module that declares texts or problems
import sidestream.tool_server.app
from sidestream import i18n
from sidestream.i18n import Plural
from sidestream.problems import (
    NotFound,
    Problem,
    RateLimited,
    TooLarge,
    problem_document,
    problem_response,
)
from tests.messages import Message, messages, problem_classes

LANGUAGES = i18n.locales()[1:]
RESULTS = Plural("1 result", "{count} results")


@pytest.fixture(autouse=True)
def without_a_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own catalogues, and not those of the domains that other tests have loaded."""
    monkeypatch.setattr(i18n, "_added", [])
    i18n.forget()
    yield
    monkeypatch.undo()
    i18n.forget()


def _placeholders(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_urdu_is_there() -> None:
    assert i18n.locales() == ("en", "ur")


def test_the_scan_finds_all_kinds_of_text() -> None:
    found = {message.text for message in messages()}
    assert "May these {count} things be done? {titles}" in found  # marked with _()
    assert "Too many requests" in found  # a problem's title
    assert "A message may have {count} characters at most." in found  # a problem's detail


def test_texts_are_constants() -> None:
    assert [message.place for message in messages() if message.text is None] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing(language: str) -> None:
    known = {*i18n.catalogue(language), *i18n.plurals(language)}
    missing = [message for message in messages() if message.text and message.text not in known]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_over(language: str) -> None:
    texts = {message.text for message in messages()}
    known = [*i18n.catalogue(language), *i18n.plurals(language)]
    assert [text for text in known if text not in texts] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same(language: str) -> None:
    for english, translated in i18n.catalogue(language).items():
        assert _placeholders(translated) == _placeholders(english), english


def test_urdu_is_in_urdu_script() -> None:
    for english, urdu in i18n.catalogue("ur").items():
        assert any("\u0600" <= letter <= "\u06ff" for letter in urdu), english


def test_a_missing_text_would_be_noticed() -> None:
    assert Message("Never said anywhere", "here").text not in i18n.catalogue("ur")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ur", "ur"),
        ("UR", "ur"),
        ("ur-PK", "ur"),
        ("ur-Arab-PK, en;q=0.1", "ur"),
        ("en-US,en;q=0.9,ur;q=0.8", "en"),
        ("en;q=0.5, ur;q=0.9", "ur"),
        ("en;q=0.5, ur; Q=0.9", "ur"),
        ("de-DE, ur;q=0.3", "ur"),
        ("de, fr;q=0.9", "en"),
        ("ur;q=0, de", "en"),
        ("*", "en"),
        ("de, *;q=0.5", "en"),
        ("ur;q=high", "en"),
        ("ur;q=nan", "en"),
        (";;;,,,=,q=1", "en"),
        ("../../etc/passwd", "en"),
        ("ur\x00", "en"),
        ("x" * 10_000, "en"),
        (", ".join(["de"] * 50 + ["ur"]), "en"),
    ],
)
def test_negotiation(header: str | None, language: str) -> None:
    assert i18n.negotiate(header) == language


def test_placeholders_are_filled_in() -> None:
    words = "May these {count} things be done? {titles}"
    assert i18n.text("en", words, count=3, titles="“a”") == "May these 3 things be done? “a”"
    assert "3" in i18n.text("ur", words, count=3, titles="“a”")


@pytest.mark.parametrize(
    ("locale", "count", "shown"),
    [
        ("en", 0, "0 results"),
        ("en", 1, "1 result"),
        ("en", 2, "2 results"),
        ("ur", 1, "1 نتیجہ"),
        ("ur", 3, "3 نتائج"),
        ("xx", 1, "1 result"),
    ],
)
def test_a_number_has_its_form(locale: str, count: int, shown: str) -> None:
    assert RESULTS.text(locale, count) == shown


def test_a_language_may_have_more_forms_than_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pl.po").write_text(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 '
        '&& (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n\n'
        'msgid "1 result"\nmsgid_plural "{count} results"\n'
        'msgstr[0] "{count} wynik"\nmsgstr[1] "{count} wyniki"\nmsgstr[2] "{count} wyników"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    i18n.forget()
    shown = [RESULTS.text("pl", count) for count in (1, 3, 5, 22)]
    i18n.forget()
    assert shown == ["1 wynik", "3 wyniki", "5 wyników", "22 wyniki"]


def test_values_are_never_taken_for_templates() -> None:
    shown = i18n.text("ur", "{title}: stopped", title="{count} {0} }{")
    assert "{count} {0} }{" in shown
    assert i18n.text("en", "50 % {sure}") == "50 % {sure}"


def test_unknown_languages_and_texts_are_english() -> None:
    assert i18n.text("xx", "{title}: waits", title="A") == "A: waits"
    assert i18n.text("../ur", "Delete") == "Delete"
    assert i18n.text("ur", "Not a text of ours") == "Not a text of ours"


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue in which everything is wrong that a translator can do."""
    (tmp_path / "xx.po").write_text(
        'msgid "{title}: waits"\nmsgstr "{tilte}: waits"\n\n'
        'msgid "{title}: stopped"\nmsgstr "{title"\n\n'
        'msgid "Delete"\nmsgstr ""\n\n'
        '#, fuzzy\nmsgid "Done"\nmsgstr "Nearly"\n\n'
        'msgid "A title has 1 to {count} characters."\nmsgstr "{count.real.foo[0]}"\n\n'
        'msgid "1 result"\nmsgid_plural "{count} results"\nmsgstr[0] "1"\nmsgstr[1] "{n}"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    i18n.forget()
    yield tmp_path
    i18n.forget()


@pytest.mark.usefixtures("broken")
def test_a_mistake_in_a_catalogue_costs_only_the_translation() -> None:
    assert i18n.text("xx", "{title}: waits", title="A") == "A: waits"
    assert RESULTS.text("xx", 3) == "3 results"
    assert i18n.text("xx", "{title}: stopped", title="A") == "A: stopped"
    counted = i18n.text("xx", "A title has 1 to {count} characters.", count=2)
    assert counted == "A title has 1 to 2 characters."
    assert i18n.text("xx", "Delete") == "Delete"
    assert i18n.text("xx", "Done") == "Done"
    assert i18n.text("xx", "{missing}", count=2) == "{missing}"


@pytest.mark.usefixtures("broken")
def test_a_language_is_its_catalogue() -> None:
    assert i18n.locales() == ("en", "xx")
    assert i18n.negotiate("ur, xx;q=0.5") == "xx"


def test_problems_speak_the_language() -> None:
    problem = TooLarge("A message may have {count} characters at most.", count=8000)
    english = problem_document(problem, "r1")
    urdu = problem_document(problem, "r1", "ur")
    assert english["detail"] == str(problem) == "A message may have 8000 characters at most."
    assert urdu["title"] == "درخواست بہت بڑی ہے"
    assert urdu["detail"] == "پیغام میں زیادہ سے زیادہ 8000 حروف ہو سکتے ہیں۔"
    assert {k for k in urdu if urdu[k] != english[k]} == {"title", "detail"}


def test_a_problem_without_a_detail_says_its_title() -> None:
    assert NotFound().detail_in("ur") == i18n.text("ur", NotFound.title)
    assert problem_response(RateLimited(), "r", "ur").headers["content-language"] == "ur"


def test_every_kind_of_problem_has_a_title_of_its_own() -> None:
    for kind in problem_classes() - {Problem}:
        assert kind.title
        assert i18n.text("ur", kind.title) != kind.title


def test_problems_need_no_babel() -> None:
    """The tools' function is deployed without it."""
    program = (
        "import sys; sys.modules['babel'] = None\n"
        "import sidestream.tool_server.app\n"
        "from sidestream.problems import NotFound, problem_response\n"
        "assert b'Not found' in problem_response(NotFound('Not found {x}'), 'r').body"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_catalogues_need_no_cldr_data(tmp_path: Path) -> None:
    """Only English of Babel's locale data is deployed."""
    source = Path(babel.__file__).parent
    copy = tmp_path / "babel"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("locale-data", "__pycache__"))
    (copy / "locale-data").mkdir()
    for name in ("root.dat", "en.dat"):
        shutil.copy(source / "locale-data" / name, copy / "locale-data" / name)
    program = (
        "import babel; from sidestream import i18n; i18n.load()\n"
        "assert not babel.localedata.exists('ur')\n"
        "assert i18n.negotiate('ur-PK') == 'ur'\n"
        "assert i18n.text('ur', 'Not found') == 'نہیں ملا'"
    )
    search = f"{tmp_path}:{Path(sidestream.__file__).parents[1]}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": search, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
