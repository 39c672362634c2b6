"""Arguments: what a model wrote for a call, taken as what it means.

Models are trained on text, and small ones write `"10"` for 10, `"false"` for false, `""`, `"null"`
or `"None"` for what they have nothing to say about, an object as a string with JSON in it. Each is
taken as what it means where the tool's schema leaves no doubt; the rest is the tool's to refuse.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from sidestream.storable import storable

_MAX_DEPTH: Final = 50
_MAX_BYTES: Final = 64_000
"""Half of what a tool server of ours takes as a request, so that escapes have room."""
_MAX_REFUSED_CHARS: Final = 1_000
_NOTHING: Final = frozenset({"", "null", "none", "nil", "undefined"})
_BOOLEANS: Final = {"true": True, "false": False}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class Unusable(ValueError):
    """Arguments that cannot be read. Its words say to the model what is wrong."""


type Schema = Mapping[str, Any]


def read(text: str) -> dict[str, Any]:
    """Read the arguments of a call. Raises `Unusable` for what is not a JSON object that can be
    sent on and kept."""
    if len(text.encode(errors="replace")) > _MAX_BYTES:
        raise Unusable(f"they are longer than {_MAX_BYTES} bytes")
    value: Any = text
    for _ in range(2):  # an object, or a string with an object in it
        if not isinstance(value, str):
            break
        value = _load(value) if value.strip() else {}
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise Unusable("a JSON object is needed")
    kept: dict[str, Any] = _keepable(value, 1)
    return kept


def written(text: str) -> str:
    """Give the arguments of a call as a JSON document that everybody can read and keep: an object,
    or a text with what came instead, which `read` refuses."""
    try:
        return json.dumps(read(text), ensure_ascii=False)
    except Unusable:
        cut = text if len(text) <= _MAX_REFUSED_CHARS else text[:_MAX_REFUSED_CHARS] + "…"
        return json.dumps(storable(cut), ensure_ascii=False)


def fitting(arguments: dict[str, Any], schema: Schema, *, reads: bool) -> dict[str, Any]:
    """Give arguments as the schema of their tool wants them, where it is clear what they mean.

    An empty text is nothing to a tool that only `reads`; to one that writes it may mean to empty
    something, so that it stays where the schema allows it.
    """
    known, required = schema.get("properties"), schema.get("required") or ()
    if not isinstance(known, Mapping):
        return arguments
    fit: dict[str, Any] = {}
    for name, value in arguments.items():
        wanted = known.get(name)
        if not isinstance(wanted, Mapping):
            if not _is_nothing(value):
                fit[name] = value
        elif name in required or not _is_nothing(value):
            fit[name] = _fit(value, wanted)
        elif value == "":
            if not reads and _takes(wanted, value):
                fit[name] = value
        elif _takes(wanted, None):
            fit[name] = None
    return fit


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, strict=False)
    except RecursionError:
        raise Unusable("they are nested too deep") from None
    except ValueError as error:
        raise Unusable(str(error)) from None


def _refuse(constant: str) -> Any:
    raise Unusable(f"{constant} is not a number in JSON")


def _keepable(value: Any, depth: int) -> Any:
    """A value whose texts are valid Unicode. Raises `Unusable`."""
    if depth > _MAX_DEPTH:
        raise Unusable("they are nested too deep")
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            raise Unusable("a number is too large")
        case dict():
            return {storable(key): _keepable(inner, depth + 1) for key, inner in value.items()}
        case list():
            return [_keepable(inner, depth + 1) for inner in value]
        case _:
            return value


def _fit(value: Any, wanted: Schema) -> Any:
    """Give a value as a schema takes it; as it is where nothing fits."""
    if _takes(wanted, value):
        return value
    for candidate in _meanings(value):
        if _takes(wanted, candidate):
            return candidate
    return value


def _meanings(value: Any) -> list[Any]:
    """What a value may have been meant as, the nearest first."""
    if isinstance(value, float) and value.is_integer():
        return [int(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, str):
        return []
    word = value.strip()
    meanings: list[Any] = [word, word.lower()]
    if word.lower() in _BOOLEANS:
        meanings.append(_BOOLEANS[word.lower()])
    if word.lower() in _NOTHING:
        meanings.append(None)
    try:
        read_again = _keepable(_load(word), 1)
    except Unusable:
        return meanings
    if isinstance(read_again, float) and read_again.is_integer():
        meanings.append(int(read_again))
    return [*meanings, read_again]


def _takes(wanted: Schema, value: Any) -> bool:
    """Tell whether a schema takes a value, by what it says of types, choices and empty texts."""
    for key in ("anyOf", "oneOf"):
        if isinstance(options := wanted.get(key), list):
            return any(isinstance(option, Mapping) and _takes(option, value) for option in options)
    if isinstance(choices := wanted.get("enum"), list):
        return value in choices
    if "const" in wanted:
        return bool(value == wanted["const"])
    types = wanted.get("type")
    names = [types] if isinstance(types, str) else types
    if not isinstance(names, list):
        return True
    if not any(_is(value, str(name)) for name in names):
        return False
    return bool(value != "" or not (wanted.get("minLength") or wanted.get("format")))


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES.get(name, (object,)))
