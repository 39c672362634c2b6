"""User-facing text in the caller's language.

A text is its English sentence; a language is a gettext catalogue `locale/<code>.po` beside this
file. Adding a language is adding a catalogue. Texts are marked with `_("...")` where they are
declared and looked up with `text(locale, ...)` where they are shown.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel import negotiate_locale
from babel.messages.pofile import read_po

CATALOGUES: Final = Path(__file__).parent / "locale"
DEFAULT_LOCALE: Final = "en"


def _(message: str) -> str:
    """Mark a text for the catalogues. Gives it back unchanged."""
    return message


@cache
def locales() -> tuple[str, ...]:
    """Give the language codes there are texts for, English first."""
    return (DEFAULT_LOCALE, *sorted(path.stem for path in CATALOGUES.glob("*.po")))


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """Give a language's texts by their English sentence."""
    if locale == DEFAULT_LOCALE or locale not in locales():
        return {}
    with (CATALOGUES / f"{locale}.po").open("rb") as file:
        messages = read_po(file, locale=locale)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string}


def text(locale: str, message: str, **values: object) -> str:
    """Give a text in a language, English where the language lacks it, with `{name}` filled in."""
    translated = catalogue(locale).get(message, message)
    return translated.format(**values) if values else translated


def negotiate(accept_language: str | None) -> str:
    """Choose a language for an `Accept-Language` header (RFC 9110 section 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in (accept_language or "").split(",")[:20]:
        tag, _sep, parameters = part.strip().partition(";")
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                continue
        if tag and quality > 0:
            weighted.append((quality, tag.replace("-", "_")))
    preferred = [tag for _quality, tag in sorted(weighted, key=lambda pair: -pair[0])]
    return negotiate_locale(preferred, locales(), sep="_") or DEFAULT_LOCALE
