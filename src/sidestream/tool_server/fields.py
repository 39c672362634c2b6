"""What any domain asks of texts, limits and keys, as annotated types: tools and REST bodies are
both built of them."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo

from sidestream.i18n import _
from sidestream.time_zone import UTC_ZONE
from sidestream.visible import is_visible

MAX_QUERY_CHARS: Final = 200
MAX_PAGE: Final = 100
MAX_KEY_CHARS: Final = 200


def check_text(value: Any) -> Any:
    """Refuse text that Postgres or UTF-8 cannot hold: NUL and unpaired surrogates."""
    if not isinstance(value, str):
        return value
    if "\x00" in value:
        raise ValueError(_("must not contain the NUL character"))
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(_("must not contain unpaired surrogates"))
    return value


def check_visible(value: str) -> str:
    """Refuse text in which there is nothing to see."""
    if not is_visible(value):
        raise ValueError(_("must have something to see in it"))
    return value


def check_cursor(is_id: Callable[[str], bool]) -> BeforeValidator:
    """Give the check of an `after`: the id of a page's last thing."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not is_id(value):
            raise ValueError(_("must be the `after` of the page before"))
        return value

    return BeforeValidator(check)


Storable: Final = BeforeValidator(check_text)
Visible: Final = AfterValidator(check_visible)

# The constraints stand next to `str`: further out, pydantic measures a text before it is stripped.
Query = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=MAX_QUERY_CHARS), Storable
]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS),
    Storable,
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
IdempotencyKey = Annotated[
    str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=MAX_KEY_CHARS)
]


def zone_of(info: ValidationInfo) -> ZoneInfo:
    """Give the time zone of the person whose arguments or body are validated."""
    return info.context or UTC_ZONE


def stamp(moment: datetime, zone: ZoneInfo = UTC_ZONE) -> str:
    """Give an aware time as RFC 3339 has it, by the clock of a zone, with `Z` where that is UTC."""
    local = moment.astimezone(zone)
    offset = local.utcoffset()
    if offset and offset.seconds % 60:  # of before there were zones; RFC 3339 has no seconds there
        local = moment.astimezone(UTC)
    return local.isoformat().replace("+00:00", "Z")


def like_pattern(word: str) -> str:
    """Give the LIKE pattern that finds a word literally, whatever wildcards it contains."""
    literal = unicodedata.normalize("NFC", word)
    for special in ("\\", "%", "_"):
        literal = literal.replace(special, "\\" + special)
    return f"%{literal}%"
