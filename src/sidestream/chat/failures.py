"""What went wrong with a model, as one sentence a person can act on.

Each failure of a provider has its own text, says whether trying again can help, and carries a code
for logs and metrics. A provider's own words are not passed on: they may quote the prompt.
"""

from dataclasses import dataclass
from typing import Final

import httpx2
import openai
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError
from chatkit.types import ErrorEvent

from sidestream import reasons
from sidestream.i18n import _, text
from sidestream.reasons import Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a run: a stable `code`, a text for people (English, to be looked up)."""

    code: str
    message: str
    retryable: bool
    notice: bool = False
    """The answer is usable as it is: to be told as a notice, and not as an error."""


SERVER_ERROR: Final = "server_error"
"""The code of a failed response whose provider does not say why."""
STREAM_BROKEN: Final = "stream_broken"
"""The code of a response that ends without an end, or makes no sense."""
STREAM_LOST: Final = "stream_lost"
"""The code of a response whose connection broke."""
STREAM_SILENT: Final = "stream_silent"
"""The code of a response of which nothing came for too long."""

DEADLINE: Final = Failure(
    "deadline",
    _("The answer took too long and was cut short. What is here is saved. Try again to go on."),
    retryable=True,
)
LOST: Final = Failure(
    "lost",
    _("This answer was interrupted. What was saved is here. Try again to go on."),
    retryable=True,
)
UNSAVED: Final = Failure(
    "database_unavailable",
    _("Our database cannot be reached, and the end of this answer is not saved. Try again."),
    retryable=True,
)
NO_ANSWER: Final = Failure(
    "model_silent",
    _("The model gave no answer. Try again."),
    retryable=True,
)
UNEXPECTED: Final = Failure(
    "internal",
    _("Something went wrong on our side. Try again."),
    retryable=True,
)
_MODEL_KEY: Final = Failure(
    "model_unauthorized",
    _("The model refused our key. Somebody has to check OPENAI_API_KEY."),
    retryable=False,
)
_MODEL_MISSING: Final = Failure(
    "model_not_found",
    _("The configured model does not exist any more. Somebody has to choose another one."),
    retryable=False,
)
_MODEL_BUSY: Final = Failure(
    "model_rate_limited",
    _("The model is busy right now. Try again in a moment."),
    retryable=True,
)
_MODEL_QUOTA: Final = Failure(
    "model_quota",
    _("The model account has no credit left. Somebody has to add some."),
    retryable=False,
)
_MODEL_DOWN: Final = Failure(
    "model_unavailable",
    _("The model is having trouble. Try again in a moment."),
    retryable=True,
)
_MODEL_UNREACHABLE: Final = Failure(
    "model_unreachable",
    _("The model cannot be reached. Try again in a moment."),
    retryable=True,
)
_MODEL_SLOW: Final = Failure(
    "model_timeout",
    _("The model took too long to answer. Try again in a moment."),
    retryable=True,
)
_MODEL_CUT: Final = Failure(
    "model_cut",
    _("The connection to the model broke in the middle. What is here is saved. Try again."),
    retryable=True,
)
_FILTERED: Final = Failure(
    "content_filter",
    _("The model's content filter stopped this answer. Say it in another way."),
    retryable=False,
)
_OVERFLOW: Final = Failure(
    "context_overflow",
    _("This conversation is too long for the model. Start a new one."),
    retryable=False,
)
_MODEL_REJECTED: Final = Failure(
    "model_rejected",
    _("The model could not work with this message. Say it in another way, or leave out the file."),
    retryable=False,
)
_TOO_MANY_STEPS: Final = Failure(
    "max_turns",
    _("This took more steps than one answer may take. Ask for a part of it."),
    retryable=False,
)
_CUT_SHORT: Final = Failure(
    "max_output_tokens",
    _("The answer reached its greatest length and ends here. Ask to go on for more."),
    retryable=False,
    notice=True,
)

_BY_CODE: Final = {
    "content_filter": _FILTERED,
    "content_policy_violation": _FILTERED,
    "context_length_exceeded": _OVERFLOW,
    "insufficient_quota": _MODEL_QUOTA,
    "max_output_tokens": _CUT_SHORT,
    "model_not_found": _MODEL_MISSING,
    "rate_limit_exceeded": _MODEL_BUSY,
    SERVER_ERROR: _MODEL_DOWN,
    STREAM_SILENT: _MODEL_SLOW,
}
_BREAKS: Final = {STREAM_BROKEN: _MODEL_DOWN, STREAM_LOST: _MODEL_UNREACHABLE}

# What servers without `context_length_exceeded` say instead: vLLM, llama.cpp and hosts of theirs.
_OVERFLOW_WORDS: Final = (
    "maximum context length",
    "maximum model length",
    "context window",
    "context size",
    "prompt is too long",
)


def error_event(failure: Failure, locale: str) -> ErrorEvent:
    """Give the event that tells a client of a failure, in the person's language."""
    return ErrorEvent(
        code="custom", message=text(locale, failure.message), allow_retry=failure.retryable
    )


class ModelFailed(Exception):
    """The model ended its response with an error of its own, named by a provider's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def classify(error: BaseException, *, answering: bool) -> Failure:
    """Say what an exception of a run means. `answering`: words had already arrived."""
    match error:
        case MaxTurnsExceeded():
            return _TOO_MANY_STEPS
        case ModelFailed():
            return _told(error.code, answering=answering)
        case openai.APIStatusError():
            return _status(error)
        case openai.APITimeoutError() | httpx2.ReadTimeout() | TimeoutError():
            return _MODEL_SLOW
        case openai.APIConnectionError():
            return _MODEL_CUT if answering else _MODEL_UNREACHABLE
        case openai.APIError():
            return _BY_CODE.get(str(error.code), _MODEL_CUT if answering else _MODEL_DOWN)
        case httpx2.HTTPError() | ConnectionError():
            return _MODEL_CUT if answering else _MODEL_UNREACHABLE
        case ModelBehaviorError():
            return _MODEL_CUT if answering else _MODEL_DOWN
        case _ if type(error).__module__.split(".")[0] in {"httpx", "httpcore", "httpcore2"}:
            return _MODEL_CUT if answering else _MODEL_UNREACHABLE
        case _:
            return UNEXPECTED


def _told(code: str, *, answering: bool) -> Failure:
    """What the code of a failed response means."""
    if code in _BREAKS:
        return _MODEL_CUT if answering else _BREAKS[code]
    return _BY_CODE.get(code, _MODEL_DOWN)


def reason_of(error: BaseException) -> Reason | None:
    """Give the reason why the model failed us; None for what is no failure of the model."""
    match error:
        case openai.APIStatusError():
            return reasons.of_status(error.status_code)
        case openai.APIConnectionError() | httpx2.HTTPError() | ConnectionError() | TimeoutError():
            return reasons.of_error(error)
        case ModelFailed() | openai.APIError() | ModelBehaviorError():
            return Reason.BROKEN
        case _:
            return None


def _status(error: openai.APIStatusError) -> Failure:
    if known := _BY_CODE.get(str(error.code)):
        return known
    match error.status_code:
        case 401 | 403:
            return _MODEL_KEY
        case 402:
            return _MODEL_QUOTA
        case 404:
            return _MODEL_MISSING
        case 429:
            return _MODEL_BUSY
        case 413:
            return _OVERFLOW
        case 400 | 422:
            said = error.message.lower()
            overflows = any(words in said for words in _OVERFLOW_WORDS)
            return _OVERFLOW if overflows else _MODEL_REJECTED
        case _:
            return _MODEL_DOWN
