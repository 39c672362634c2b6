"""What a tool's server asks of the person: elicitation, as MCP's revision 2026-07-28 has it.

A server that cannot do a call yet answers `input_required` with requests by key. Each is a form (a
flat JSON schema of texts, numbers, yes or no, and choices) or an address to be opened
(modelcontextprotocol.io, specification 2026-07-28, "Elicitation"). The words are the server's: here
they are cut to size and freed of characters that steer how a line is read. What does not fit is not
shown in part: the request as a whole cannot be shown, and its server is told that nobody answered.
"""

import ipaddress
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sidestream.chat.context import InputRequired
from sidestream.problems import InvalidAnswer
from sidestream.visible import is_visible

CAPABILITIES: Final[Mapping[str, Any]] = {"elicitation": {"form": {}, "url": {}}}
"""What the chat declares with each call: only then may a server ask."""

ACCEPT: Final = "accept"
DECLINED: Final[Mapping[str, Any]] = {"action": "decline"}
CANCELLED: Final[Mapping[str, Any]] = {"action": "cancel"}

_MAX_REQUESTS: Final = 5
_MAX_FIELDS: Final = 10
_MAX_OPTIONS: Final = 20
_MAX_MESSAGE_CHARS: Final = 500
_MAX_LABEL_CHARS: Final = 120
_MAX_URL_CHARS: Final = 1_000
_MAX_NAME_CHARS: Final = 200
_MAX_ANSWER_CHARS: Final = 2_000

# Control characters, line separators, marks and overrides of the direction, halves of characters.
_STEERING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# The characters of a URI (RFC 3986, 2), and of a host's name or number.
_URL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST: Final = re.compile(r"[a-z0-9.:-]+")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Answers:
    """What goes with a repeated call: the answers to what its server wanted, by the server's keys,
    and the server's state as it came."""

    responses: Mapping[str, Any]
    state: str | None
    key: str
    round: int
    last: bool = False
    """Whether the call ends with it, whatever its server may want to know then."""

    @classmethod
    def to(cls, needs: InputRequired, responses: Mapping[str, Any]) -> "Answers":
        """Answer what a server wanted."""
        return cls(responses, needs.state, needs.key, needs.round)

    @classmethod
    def cancel(cls, needs: InputRequired, *, last: bool = False) -> "Answers":
        """Say that nobody answered."""
        responses = dict.fromkeys(needs.requests, CANCELLED)
        return cls(responses, needs.state, needs.key, needs.round, last=last)

    @property
    def call_key(self) -> str:
        """The idempotency key of the repeated call."""
        return f"{self.key}:{self.round}"

    def params(self) -> dict[str, Any]:
        """Give what it adds to the params of the call."""
        responses = {"inputResponses": dict(self.responses)} if self.responses else {}
        return responses | ({} if self.state is None else {"requestState": self.state})


class Unshowable(ValueError):
    """A request that cannot be put to a person as it is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a form asks for. `options` gives the value behind each label of a choice; yes
    and no have none, because their labels are ours."""

    name: str
    label: str
    hint: str
    required: bool
    kind: str
    schema: Mapping[str, Any]
    options: Mapping[str, str] | None = None

    @property
    def multiple(self) -> bool:
        """Whether several options may be chosen."""
        return self.kind == "array"

    @property
    def default(self) -> str | None:
        """What counts where nothing is written, if the server says so."""
        default = self.schema.get("default")
        written = isinstance(default, str | int | float) and not isinstance(default, bool)
        return str(default) if written and self.options is None and self.kind != "boolean" else None

    def value(self, given: list[str]) -> Any:
        """Give what a person wrote or chose (the values, of choices) as the schema has it.

        Raises `InvalidAnswer` where it does not fit.
        """
        match self.kind:
            case "array":
                self._within(len(given), "minItems", "maxItems")
                return given
            case "number" | "integer":
                return self._number(given[0])
            case _:
                return given[0] if self.options is not None else self._text(given[0])

    def _number(self, given: str) -> int | float:
        try:
            number = float(given)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InvalidAnswer("“{name}” has to be a number.", name=self.label)
        if self.kind == "integer" and not number.is_integer():
            raise InvalidAnswer("“{name}” has to be a whole number.", name=self.label)
        self._within(number, "minimum", "maximum")
        return int(number) if number.is_integer() else number

    def _text(self, given: str) -> str:
        least, most = self._bounds("minLength", "maxLength")
        if not least <= len(given) <= min(most, _MAX_ANSWER_CHARS):
            raise InvalidAnswer(
                "“{name}” has to have {least} to {most} characters.",
                name=self.label,
                least=int(max(least, 0)),
                most=int(min(most, _MAX_ANSWER_CHARS)),
            )
        if not _has_format(given, self.schema.get("format")):
            raise InvalidAnswer("“{name}” does not have the form it needs.", name=self.label)
        return given

    def _within(self, number: float, least: str, most: str) -> None:
        low, high = self._bounds(least, most)
        if number < low:
            raise InvalidAnswer("“{name}” has to be at least {least}.", name=self.label, least=low)
        if number > high:
            raise InvalidAnswer("“{name}” can be at most {most}.", name=self.label, most=high)

    def _bounds(self, least: str, most: str) -> tuple[float, float]:
        low, high = self.schema.get(least), self.schema.get(most)
        return _number(low, -math.inf), _number(high, math.inf)


@dataclass(frozen=True, slots=True)
class Form:
    """A form to fill in. Without fields it asks for a yes."""

    message: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a person is to open. `host` is its host as the network knows it."""

    message: str
    url: str
    host: str


def read_requests(requests: Mapping[str, Any]) -> dict[str, Form | Link | None]:
    """Read what a server asks, by its keys. None is what cannot be shown."""
    found: dict[str, Form | Link | None] = {}
    fields = 0
    for key, request in requests.items():
        try:
            found[key] = _read_request(request)
        except (Unshowable, TypeError, ValueError, AttributeError, KeyError):
            found[key] = None
        fields += len(form.fields) if isinstance(form := found[key], Form) else 1
        if len(found) > _MAX_REQUESTS or fields > _MAX_FIELDS:
            found[key] = None
    return found


def _read_request(request: Mapping[str, Any]) -> Form | Link:
    """Read one request. Raises `Unshowable` and what reading anything else may raise."""
    params = request["params"]
    message = _cleaned(params["message"], _MAX_MESSAGE_CHARS)
    if request["method"] != "elicitation/create" or not is_visible(message):
        raise Unshowable
    match params.get("mode", "form"):
        case "form":
            return Form(message, tuple(_fields(params["requestedSchema"])))
        case "url":
            return _link(message, params["url"])
    raise Unshowable


def _cleaned(words: str, max_chars: int) -> str:
    """Give somebody's words on one line, cut to size, without what steers how a line is read."""
    line = " ".join(_STEERING.sub(" ", words[: 4 * max_chars]).split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = schema.get("required") or []
    properties = schema.get("properties") or {}
    if len(properties) > _MAX_FIELDS:
        raise Unshowable
    for name, entry in properties.items():
        if len(name) > _MAX_NAME_CHARS:
            raise Unshowable
        yield _field(name, entry, required=name in required)


def _field(name: str, schema: Mapping[str, Any], *, required: bool) -> Field:
    kind = schema["type"]
    options = None
    match kind:
        case "string":
            options = _options(schema)
        case "array":
            options = _options(schema["items"])
            if options is None:
                raise Unshowable
        case "boolean" | "number" | "integer":
            pass
        case _:
            raise Unshowable
    label = _cleaned(schema.get("title") or name, _MAX_LABEL_CHARS)
    hint = _cleaned(schema.get("description") or "", _MAX_MESSAGE_CHARS)
    if not is_visible(label):
        raise Unshowable
    return Field(name, label, hint, required, kind, schema, options)


def _options(schema: Mapping[str, Any]) -> dict[str, str] | None:
    """The value behind each label of a choice, or None where anything may be written."""
    titled = schema.get("oneOf") or schema.get("anyOf")
    if titled is not None:
        pairs = [(str(each.get("title") or each["const"]), each["const"]) for each in titled]
    elif "enum" in schema:
        names = schema.get("enumNames") or schema["enum"]
        pairs = list(zip(names, schema["enum"], strict=True))
    else:
        return None
    if not 0 < len(pairs) <= _MAX_OPTIONS:
        raise Unshowable
    options: dict[str, str] = {}
    for title, value in pairs:
        label = _cleaned(title, _MAX_LABEL_CHARS)
        if not isinstance(value, str) or not is_visible(label) or label in options:
            raise Unshowable
        options[label] = value
    return options


def _link(message: str, url: str) -> Link:
    """An address that a browser can open and that says where it leads: `https`, or `http` to this
    machine, no name before the host, no character that a URI does not have."""
    if len(url) > _MAX_URL_CHARS or not _URL.fullmatch(url):
        raise Unshowable
    parts = urlsplit(url)
    host = parts.hostname or ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and _is_local(host))
    if not safe or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise Unshowable
    return Link(message, url, host)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_format(given: str, format_: Any) -> bool:
    try:
        match format_:
            case "email":
                return _EMAIL.fullmatch(given) is not None
            case "uri":
                parts = urlsplit(given)
                return bool(parts.scheme and (parts.netloc or parts.path))
            case "date":
                return date.fromisoformat(given) is not None
            case "date-time":
                return datetime.fromisoformat(given) is not None
    except ValueError:
        return False
    return True


def _number(value: Any, otherwise: float) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain and math.isfinite(value) else otherwise
