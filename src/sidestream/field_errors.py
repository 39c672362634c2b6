"""Field errors: what does not fit in a request, and why, in the reader's language.

pydantic says it in English and quotes what was sent. Here each of its kinds has a sentence of ours,
and what was sent is in none of them, but for the names of fields.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .i18n import _, text

_MAX_ERRORS: Final = 10
_MAX_PLACES: Final = 10
_MAX_PLACE_CHARS: Final = 60
_OWN: Final = "Value error, "
"""What pydantic puts before the words of a `ValueError`."""

_OTHER: Final = _("This does not fit here.")
_NOT_TEXT: Final = _("This has to be text.")
_NOT_NUMBER: Final = _("This has to be a whole number.")
_NOT_SWITCH: Final = _("This has to be true or false.")
_NOT_OBJECT: Final = _("This has to be a JSON object.")
_UNKNOWN: Final = _("There is no such kind.")
_SENTENCES: Final = {
    "missing": _("This is needed."),
    "extra_forbidden": _("There is no such field."),
    "string_type": _NOT_TEXT,
    "string_unicode": _("This has characters that cannot be stored."),
    "string_too_short": _("This needs {min_length} characters at least."),
    "string_too_long": _("This may have {max_length} characters at most."),
    "bool_type": _NOT_SWITCH,
    "bool_parsing": _NOT_SWITCH,
    "int_type": _NOT_NUMBER,
    "int_parsing": _NOT_NUMBER,
    "int_parsing_size": _NOT_NUMBER,
    "int_from_float": _NOT_NUMBER,
    "greater_than_equal": _("This has to be {ge} at least."),
    "less_than_equal": _("This may be {le} at most."),
    "model_type": _NOT_OBJECT,
    "model_attributes_type": _NOT_OBJECT,
    "dict_type": _NOT_OBJECT,
    "list_type": _("This has to be a list."),
    "literal_error": _UNKNOWN,
    "union_tag_invalid": _UNKNOWN,
    "union_tag_not_found": _UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """Where something does not fit, and the English sentence that says why, a constant, whose
    `{name}`s are filled in with `values`."""

    loc: Sequence[object]
    sentence: str
    values: Mapping[str, float] = field(default_factory=dict)

    def document(self, locale: str) -> dict[str, Any]:
        """Give it as JSON: `{"loc": [...], "msg": ...}`."""
        return {"loc": list(self.loc), "msg": text(locale, self.sentence, **self.values)}


def field_errors(found: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Give the first few of pydantic's errors, each cut to size. The names of fields need not be
    valid Unicode."""
    return [
        FieldError(
            [_place(part) for part in error["loc"][:_MAX_PLACES]], _sentence(error), _values(error)
        )
        for error in itertools.islice(found, _MAX_ERRORS)
    ]


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix(_OWN)
    return _SENTENCES.get(error["type"], _OTHER)


def _values(error: Mapping[str, Any]) -> dict[str, float]:
    context = error.get("ctx") or {}
    return {name: value for name, value in context.items() if isinstance(value, int | float)}


def _place(part: object) -> object:
    if not isinstance(part, str):
        return part
    return part[:_MAX_PLACE_CHARS].encode(errors="replace").decode()
