"""Refusals: what a model's provider says when it does not take a request.

Each says it in its own way: OpenAI with a code and a parameter, Google in a list, LM Studio in a
string, OpenRouter in JSON within a text. Here one becomes a kind, and what an operator needs to
know. A provider's own words are read and not passed on: they may quote the prompt.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

import openai


class Kind(StrEnum):
    """Why a request was refused."""

    FILTERED = "filtered"
    OVERFLOW = "overflow"
    FILE = "file"
    TOOLS = "tools"
    KEY = "key"
    QUOTA = "quota"
    RATE = "rate"
    MODEL = "model"
    DOWN = "down"
    REQUEST = "request"
    """The request itself is at fault, which is nobody's but ours."""


SERVER_ERROR: Final = "server_error"
"""The code of a failed response whose provider does not say why."""

_CODES: Final = {
    **{kind.value: kind for kind in Kind},
    "content_filter": Kind.FILTERED,
    "content_policy_violation": Kind.FILTERED,
    "data_inspection_failed": Kind.FILTERED,
    "invalid_prompt": Kind.FILTERED,
    "moderation_blocked": Kind.FILTERED,
    "context_length_exceeded": Kind.OVERFLOW,
    "exceed_context_size_error": Kind.OVERFLOW,
    "model_max_prompt_tokens_exceeded": Kind.OVERFLOW,
    "insufficient_quota": Kind.QUOTA,
    "billing_hard_limit_reached": Kind.QUOTA,
    "invalid_api_key": Kind.KEY,
    "authentication_error": Kind.KEY,
    "permission_denied": Kind.KEY,
    "model_not_found": Kind.MODEL,
    "model_decommissioned": Kind.MODEL,
    "deploymentnotfound": Kind.MODEL,
    SERVER_ERROR: Kind.DOWN,
    "overloaded_error": Kind.DOWN,
    "rate_limit_exceeded": Kind.RATE,
    "empty_image_file": Kind.FILE,
    "failed_to_download_image": Kind.FILE,
    "unsupported_image_media_type": Kind.FILE,
}

# What those say who have no code for it, the narrower first.
_WORDS: Final = (
    (
        Kind.FILTERED,
        r"flagged|moderation|content (management )?policy|content exists risk|usage polic"
        r"|inappropriate content|considered high risk|safety (system|filter)|prohibited_content",
    ),
    (
        Kind.OVERFLOW,
        r"context (length|window|size)|maximum (context|model) length|(prompt|input|request) (is )?"
        r"too (long|large)|too many tokens|input token count|token limit|context the overflows"
        r"|maximum number of tokens|range of input length",
    ),
    (
        Kind.TOOLS,
        r"(not|n't) support (the )?(tool|function)|support tool use|tools? (is|are) not supported"
        r"|tool choice requires",
    ),
    (
        Kind.FILE,
        r"image_url|input_image|input_file|image input|invalid image|process (the )?image"
        r"|unsupported (image|file)|support (images?|vision|files?)|multimodal|mmproj|mime ?type",
    ),
    (Kind.KEY, r"api[ _-]?key|invalid_?token|unauthorized|authentication"),
    (Kind.QUOTA, r"insufficient[ _](balance|credit|quota|funds)|more credits|billing hard limit"),
    (
        Kind.MODEL,
        r"model.{0,80}(not found|does(n't| not) exist|decommissioned|no longer|not available)"
        r"|(unknown|invalid) model|not a valid model|no endpoints found",
    ),
)
_PATTERNS: Final = tuple((kind, re.compile(words)) for kind, words in _WORDS)

_BY_STATUS: Final = {
    0: Kind.DOWN,
    401: Kind.KEY,
    402: Kind.QUOTA,
    403: Kind.KEY,
    404: Kind.MODEL,
    408: Kind.DOWN,
    409: Kind.DOWN,
    413: Kind.OVERFLOW,
    429: Kind.RATE,
}
_SAID: Final = frozenset(Kind) - {Kind.DOWN}
_TOLD_BY_STATUS: Final = frozenset({401, 402, 408, 409, 413})
# Groq answers a message that never fits with 429, and servers on llama.cpp with 500 what they
# cannot make a prompt of.
_TOLD_BY_WORDS: Final = {
    429: frozenset({Kind.OVERFLOW, Kind.QUOTA}),
    500: frozenset({Kind.OVERFLOW, Kind.TOOLS, Kind.FILE}),
}

# A name is at fault when it stands in one sentence with one of these.
_UNSUPPORTED: Final = (
    r"unsupported|not support|n't support|unknown|unrecogni[sz]ed|unexpected|extra[_ ](input|field"
    r"|forbidden)|not permitted|not allowed|cannot find field|not a valid|additional propert"
)
_WANTED: Final = r"missing|must be (passed|provided|included|set)|is required"
_NINE: Final = re.compile(r"tool.?call.*(length of (9|nine)|(9|nine) (alphanumeric )?char)")
_PLAIN: Final = re.compile(r"[A-Za-z_][\w.\[\]$/-]{0,99}")
_DEEPEST: Final = 8
_LONGEST_WAIT_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider answered instead of a response."""

    status: int
    """0 where it came inside of a stream."""
    code: str | None
    places: tuple[str, ...]
    """What of the request is at fault: a parameter, or a path to a field."""
    words: str
    """Everything that was said, in small letters: to look into, and not to show."""
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: openai.APIError) -> "Refusal":
        """Read an error of the client."""
        if isinstance(error, openai.APIStatusError):
            wait = _retry_after_s(error.response.headers)
            return cls.read(error.body, error.status_code, error.message, wait)
        return cls.read(error.body, 0, error.message)

    @classmethod
    def read(
        cls, body: object, status: int, message: str = "", retry_after_s: float | None = None
    ) -> "Refusal":
        """Read the body of an answer, or an error within a stream (status 0)."""
        said = list(_said(body))
        named: dict[str, str] = {}
        for name, text in said:
            named.setdefault(name, text)
        # Google has a number for a code, and the name in `status`; others have a `type` alone.
        codes = (_plain(named.get(name)) for name in ("code", "status", "type"))
        places = (_plain(text) for name, text in said if name in ("param", "loc"))
        return cls(
            status,
            next(filter(None, codes), None),
            tuple(filter(None, places)),
            "\n".join([message, *(text for _, text in said)]).lower(),
            retry_after_s,
        )

    @property
    def kind(self) -> Kind:
        """Why it was refused: by what was said, and else by the status."""
        down = self.status >= 500
        by_status = Kind.DOWN if down else _BY_STATUS.get(self.status, Kind.REQUEST)
        among = _TOLD_BY_WORDS.get(self.status, frozenset() if down else _SAID)
        if self.status not in _TOLD_BY_STATUS:
            by_code = _CODES.get(str(self.code).lower())
            by_words = (kind for kind, pattern in _PATTERNS if pattern.search(self.words))
            for kind in (by_code, *by_words):
                if kind in among:
                    return kind
        return by_status

    def unsupported(self, name: str) -> bool:
        """Tell whether a field of the request, or a parameter, is one that is not taken."""
        return self._says(name, _UNSUPPORTED)

    def wants(self, name: str) -> bool:
        """Tell whether a field is missing."""
        return self._says(name, _WANTED)

    @property
    def wants_nine(self) -> bool:
        """Whether the ids of calls have to be nine letters and digits."""
        return bool(_NINE.search(self.words))

    def _says(self, name: str, what: str) -> bool:
        if self.status not in (400, 422):
            return False
        if any(re.split(r"[./\]]", place)[-1] == name for place in self.places):
            return bool(re.search(what, f"{self.code}\n{self.words}"))
        near = r"[^.\n]{0,60}"
        word = rf"(?<![\w]){re.escape(name)}(?![\w])"
        return bool(re.search(rf"({what}){near}{word}|{word}{near}({what})", self.words))


def code_of(error: object) -> str:
    """Give the code of an error that came within a stream: the provider's own, or the name of its
    kind where its code tells less."""
    number = error.get("code") if isinstance(error, Mapping) else None
    status = number if isinstance(number, int) and 400 <= number < 600 else 0
    refusal = Refusal.read(error, status)
    if refusal.code and _CODES.get(refusal.code.lower()) is refusal.kind:
        return refusal.code
    if refusal.kind is Kind.DOWN:
        return refusal.code or (str(status) if status else SERVER_ERROR)
    return refusal.kind


def _said(value: Any, name: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, str]]:
    """Give the texts of a body with their names, also those of JSON in a text (OpenRouter)."""
    if depth == 0:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _said(inner, str(key), depth - 1)
    elif isinstance(value, list) and name == "loc":
        yield name, ".".join(map(str, value))
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, name, depth - 1)
    elif isinstance(value, str):
        if value.lstrip().startswith("{"):
            with suppress(ValueError, RecursionError):
                yield from _said(json.loads(value), name, depth - 1)
                return
        yield name, value


def _plain(text: str | None) -> str | None:
    """A name that may be logged: what is none could be anybody's words."""
    return text if text and _PLAIN.fullmatch(text) else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds, or a date."""
    given = headers.get("retry-after", "").strip()
    if not given:
        return None
    with suppress(ValueError):
        seconds = float(given)
        return seconds if 0 < seconds <= _LONGEST_WAIT_S else None
    with suppress(ValueError, TypeError):
        seconds = (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        return seconds if 0 < seconds <= _LONGEST_WAIT_S else None
    return None
