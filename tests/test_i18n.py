"""Languages: every text in every catalogue, and the choice between them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import babel
import pytest

import sidestream.chat.app  # every module that declares texts or problems
import sidestream.tool_server.app
from sidestream import i18n
from sidestream.field_errors import field_errors
from sidestream.i18n import Plural
from sidestream.problems import (
    NotFound,
    Problem,
    RateLimited,
    TooLarge,
    problem_document,
    problem_response,
)
from tests.messages import (
    Message,
    is_in_script_of,
    messages,
    placeholders,
    problem_classes,
)

LANGUAGES = i18n.locales()[1:]
ROOT = Path(__file__).parents[1]
CATALOGUES = [
    path.relative_to(ROOT)
    for part in ("src", "examples")
    for path in sorted((ROOT / part).rglob("locale"))
]
PAGE_CATALOGUES = [
    path.relative_to(ROOT) for path in sorted((ROOT / "frontend" / "src").rglob("texts"))
]
RESULTS = Plural("1 result", "{count} results")
TOOLS = Plural("Used 1 tool", "Used {count} tools")


@pytest.fixture(autouse=True)
def without_a_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own catalogues, and not those of the domains that other tests have loaded."""
    monkeypatch.setattr(i18n, "_added", [])
    i18n.forget()
    yield
    monkeypatch.undo()
    i18n.forget()


def test_the_languages_are_the_catalogues() -> None:
    assert i18n.locales() == ("en", *sorted(path.stem for path in i18n.CATALOGUES.glob("*.po")))
    assert "ur" in i18n.locales()


@pytest.mark.parametrize("folder", CATALOGUES, ids=str)
def test_each_part_speaks_each_language(folder: Path) -> None:
    assert {path.stem for path in (ROOT / folder).glob("*.po")} == set(LANGUAGES)


@pytest.mark.parametrize("folder", PAGE_CATALOGUES, ids=str)
def test_the_page_speaks_each_language(folder: Path) -> None:
    assert {i18n.tag(language) for language in i18n.locales()} == {
        path.stem for path in (ROOT / folder).glob("*.ts")
    }


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
        assert placeholders(translated) == placeholders(english), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_in_the_script_of_their_language(language: str) -> None:
    for english, words in i18n.catalogue(language).items():
        assert is_in_script_of(language, words), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_counted_texts_have_the_forms_of_their_language(language: str) -> None:
    """The catalogue's own rule gives each form to a number, and no form is empty."""
    for english, forms in i18n.plurals(language).items():
        used = {Plural(english, english).text(language, count) for count in range(200)}
        assert all(forms), english
        assert len(used) >= len(set(forms)), english


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


HEADER = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals={number}; plural={rule};\\n"\n\n'
POLISH = HEADER.format(
    number=3,
    rule="(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)",
)
ARABIC = HEADER.format(
    number=6,
    rule="(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
)


@pytest.fixture
def more_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two catalogues more, beside ours and beside the domain's, and no other edit."""
    shutil.copytree(i18n.CATALOGUES, tmp_path / "ours")
    (tmp_path / "domain").mkdir()
    (tmp_path / "ours" / "pt_BR.po").write_text('msgid "Not found"\nmsgstr "Não encontrado"\n')
    (tmp_path / "ours" / "ar.po").write_text(
        ARABIC + 'msgid "Not found"\nmsgstr "غير موجود"\n\n'
        'msgid "Used 1 tool"\nmsgid_plural "Used {count} tools"\n'
        'msgstr[0] "بلا أدوات"\nmsgstr[1] "أداة واحدة"\nmsgstr[2] "أداتان"\n'
        'msgstr[3] "{count} أدوات"\nmsgstr[4] "{count} أداة"\nmsgstr[5] "{count} أداة."\n',
        encoding="utf-8",
    )
    (tmp_path / "ours" / "pl.po").write_text(
        POLISH + 'msgid "Not found"\nmsgstr "Nie znaleziono"\n', encoding="utf-8"
    )
    (tmp_path / "domain" / "pl.po").write_text(
        POLISH + 'msgid "1 result"\nmsgid_plural "{count} results"\n'
        'msgstr[0] "{count} wynik"\nmsgstr[1] "{count} wyniki"\nmsgstr[2] "{count} wyników"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path / "ours")
    monkeypatch.setattr(i18n, "_added", [])
    i18n.add(tmp_path / "domain")
    i18n.forget()
    return tmp_path


@pytest.mark.usefixtures("more_languages")
class TestALanguageMore:
    """What a catalogue brings, wherever a language is asked for."""

    @pytest.mark.parametrize(
        ("header", "language"),
        [
            ("pl-PL, en;q=0.5", "pl"),
            ("ar-EG", "ar"),
            ("de, ar;q=0.2", "ar"),
            ("pt-br, en;q=0.5", "pt_BR"),
            ("ur, pl;q=0.9", "ur"),
        ],
    )
    def test_it_is_chosen(self, header: str, language: str) -> None:
        assert i18n.negotiate(header) == language

    @pytest.mark.parametrize(
        ("language", "tag", "title"),
        [
            ("pl", "pl", "Nie znaleziono"),
            ("ar", "ar", "غير موجود"),
            ("pt_BR", "pt-BR", "Não encontrado"),
        ],
    )
    def test_problems_speak_it(self, language: str, tag: str, title: str) -> None:
        answer = problem_response(NotFound(), "r1", language)
        assert json.loads(bytes(answer.body))["title"] == title
        assert answer.headers["content-language"] == tag

    def test_the_domain_counts_in_it(self) -> None:
        shown = [RESULTS.text("pl", count) for count in (1, 3, 5, 22)]
        assert shown == ["1 wynik", "3 wyniki", "5 wyników", "22 wyniki"]

    def test_the_trace_counts_in_it(self) -> None:
        shown = [TOOLS.text("ar", count) for count in (0, 1, 2, 3, 11, 100)]
        assert shown == ["بلا أدوات", "أداة واحدة", "أداتان", "3 أدوات", "11 أداة", "100 أداة."]

    def test_what_it_lacks_is_english(self) -> None:
        assert i18n.text("pl", "{title}: waits", title="A") == "A: waits"
        assert RESULTS.text("ar", 3) == "3 results"


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


def test_each_error_of_a_field_has_a_sentence() -> None:
    english = field_errors(
        {"type": kind, "loc": ["title"], "msg": "?", "ctx": {"max_length": 3, "min_length": 1}}
        | ({"ctx": {"ge": 1, "le": 5}} if kind.endswith("_equal") else {})
        for kind in ("missing", "string_too_long", "string_too_short", "less_than_equal", "else")
    )
    words = [error.document("en")["msg"] for error in english]
    assert words == [
        "This is needed.",
        "This may have 3 characters at most.",
        "This needs 1 characters at least.",
        "This may be 5 at most.",
        "This does not fit here.",
    ]
    for language in LANGUAGES:
        said = [error.document(language)["msg"] for error in english]
        assert all(is_in_script_of(language, one) for one in said)
        assert "3" in said[1]


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
