"""User-facing text in the caller's language.

A text is its English sentence; a language is a gettext catalogue `locale/<code>.po` beside this
file. Adding a language is adding a catalogue (docs/languages.md); a domain brings its own, which
are added to ours.
Texts are marked with `_("...")` where they are declared and looked up with `text(locale, ...)`
where they are shown. A problem's `title` and `detail` are marked by being one, and so is a
`Plural`, whose forms for each number are the catalogue's (gettext's `Plural-Forms`).

Babel reads the catalogues and is imported when one is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

CATALOGUES: Final = Path(__file__).parent / "locale"
DEFAULT_LOCALE: Final = "en"

_MAX_TAGS: Final = 20


def _(message: str) -> str:
    """Mark a text for the catalogues. Gives it back unchanged."""
    return message


@dataclass(frozen=True, slots=True)
class Plural:
    """A text about a number of things: its English for one and for `{count}` of them."""

    one: str
    many: str

    def text(self, locale: str, count: int) -> str:
        """Give the text for a number in a language, English where the language lacks it."""
        try:
            words = plurals(locale)[self.one][_form_of(locale)(count)]
            return (words or self.many).format_map({"count": count})
        except (LookupError, ValueError, AttributeError, TypeError):
            return (self.one if count == 1 else self.many).format_map({"count": count})


_added: list[Path] = []


def add(folder: Path) -> None:
    """Take the catalogues of a domain in, besides our own."""
    if folder not in _added:
        _added.append(folder)
        forget()


def forget() -> None:
    """Forget what was read, so that the next use reads it again."""
    for read in (locales, catalogue, plurals, _form_of):
        read.cache_clear()


def tag(locale: str) -> str:
    """Give the language tag (BCP 47) of a code, whose file may be called `pt_BR.po`."""
    return locale.replace("_", "-")


@cache
def locales() -> tuple[str, ...]:
    """Give the language codes there are texts for, English first."""
    return (DEFAULT_LOCALE, *sorted(path.stem for path in CATALOGUES.glob("*.po")))


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Give a language's texts by their English sentence. Unsure ones (`fuzzy`) are left out."""
    return {
        message.id: message.string
        for messages in _read(locale)
        for message in messages
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and message.string
        and not message.fuzzy
    }


@cache
def plurals(locale: str) -> Mapping[str, Sequence[str]]:
    """Give a language's forms of each `Plural`, by its English for one."""
    return {
        message.id[0]: message.string
        for messages in _read(locale)
        for message in messages
        if isinstance(message.id, tuple) and isinstance(message.string, tuple) and not message.fuzzy
    }


@cache
def _form_of(locale: str) -> Callable[[int], int]:
    """Which form a number takes, by the rule of our own catalogue of a language."""
    rules = [messages.plural_expr for messages in _read(locale)]
    return c2py(rules[0] if rules else "n != 1")


def _read(locale: str) -> list["Catalog"]:
    if locale == DEFAULT_LOCALE or locale not in locales():
        return []
    from babel.messages.pofile import read_po

    catalogues = []
    for folder in (CATALOGUES, *_added):
        path = folder / f"{locale}.po"
        if path.is_file():
            # Without `locale=`: naming it makes Babel look for that language's CLDR data, which is
            # not deployed.
            with path.open("rb") as file:
                catalogues.append(read_po(file))
    return catalogues


def load() -> None:
    """Read every catalogue now, so that no request has to wait for one."""
    for locale in locales():
        catalogue(locale)
        plurals(locale)
        _form_of(locale)
    negotiate(DEFAULT_LOCALE)


def text(locale: str, message: str, **values: object) -> str:
    """Give a text in a language, English where the language lacks it, with `{name}` filled in.

    A catalogue's mistake never costs the text: where its placeholders do not fit, it is English.
    """
    for words in (catalogue(locale).get(message, message), message):
        try:
            return words.format_map(values) if values else words
        except (LookupError, ValueError, AttributeError, TypeError):
            continue
    return message


def negotiate(accept_language: str | None) -> str:
    """Choose a language for an `Accept-Language` header (RFC 9110 section 12.5.4)."""
    from babel.core import negotiate_locale

    weighted: list[tuple[float, str]] = []
    for part in (accept_language or "").split(",")[:_MAX_TAGS]:
        tag, _sep, parameters = part.strip().partition(";")
        name, _equals, value = parameters.partition("=")
        quality = 1.0
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                continue
        if tag.strip() and quality > 0:
            weighted.append((quality, tag.strip().replace("-", "_")))
    preferred = [tag for _quality, tag in sorted(weighted, key=lambda pair: -pair[0])]
    chosen = negotiate_locale(preferred, locales(), sep="_") or DEFAULT_LOCALE
    return next(code for code in locales() if code.lower() == chosen.lower())
