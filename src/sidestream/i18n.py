"""User-facing text in the caller's language.

A text is its English sentence; a language is a gettext catalogue `locale/<code>.po` beside this
file. Adding a language is adding a catalogue. Texts are marked with `_("...")` where they are
declared and looked up with `text(locale, ...)` where they are shown. A problem's `title` and
`detail` are marked by being one.

Babel reads the catalogues and is imported when one is read: only the chat has it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

CATALOGUES: Final = Path(__file__).parent / "locale"
DEFAULT_LOCALE: Final = "en"

_MAX_TAGS: Final = 20


def _(message: str) -> str:
    """Mark a text for the catalogues. Gives it back unchanged."""
    return message


@cache
def locales() -> tuple[str, ...]:
    """Give the language codes there are texts for, English first."""
    return (DEFAULT_LOCALE, *sorted(path.stem for path in CATALOGUES.glob("*.po")))


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Give a language's texts by their English sentence. Unsure ones (`fuzzy`) are left out."""
    if locale == DEFAULT_LOCALE or locale not in locales():
        return {}
    from babel.messages.pofile import read_po

    # Without `locale=`: naming it makes Babel look for that language's CLDR data, which is not
    # deployed.
    with (CATALOGUES / f"{locale}.po").open("rb") as file:
        messages = read_po(file)
    return {
        message.id: message.string
        for message in messages
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and message.string
        and not message.fuzzy
    }


def load() -> None:
    """Read every catalogue now, so that no request has to wait for one."""
    for locale in locales():
        catalogue(locale)
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
