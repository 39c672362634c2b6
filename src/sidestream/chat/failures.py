"""What went wrong with a model, as one sentence a person can act on.

Each failure of a provider has its own text, says whether trying again can help, and carries a code
for logs and metrics. A provider's own words are not passed on: they may quote the prompt.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import httpx2
import openai
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError
from chatkit.types import ErrorEvent

from sidestream import reasons
from sidestream.chat.refusals import Kind, Refusal
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
    values: Mapping[str, object] = field(default_factory=dict)
    """What stands for the names in the message."""


STREAM_BROKEN: Final = "stream_broken"
"""The code of a response that ends without an end, or makes no sense."""
STREAM_LOST: Final = "stream_lost"
"""The code of a response whose connection broke."""
STREAM_SILENT: Final = "stream_silent"
"""The code of a response of which nothing came for too long."""

STREAM_TOO_LONG: Final = "stream_too_long"
"""The code of a response that goes on beyond its limit."""
TOOL_CALL_FLOOD: Final = "tool_call_flood"
"""The code of a response that has tool calls without end."""

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
LOST_END: Final = Failure(
    "lost",
    _("This answer was interrupted, and the last of what you saw may not be kept. Try again."),
    retryable=True,
)
DELETED: Final = Failure(
    "deleted",
    _("This conversation has been deleted, and its answer has ended with it."),
    retryable=False,
)
CLOSING: Final = Failure("interrupted", LOST.message, retryable=True)
UNSAVED: Final = Failure(
    "database_unavailable",
    _("Our database cannot be reached, and the end of this answer is not saved. Try again."),
    retryable=True,
)
TOO_LARGE: Final = Failure(
    "item_too_large",
    _("A part of this answer is too large to be kept. Ask for less at a time."),
    retryable=False,
)
TOO_LONG: Final = Failure(
    "max_run_bytes",
    _("The answer grew beyond any bounds and ends here. Ask for a part of it."),
    retryable=False,
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
_MODEL_BUSY_FOR: Final = Failure(
    "model_rate_limited",
    _("The model is busy right now. Try again in {seconds} seconds."),
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
    _(
        "The model did not accept our request, which is not your fault. "
        "Somebody has to look at the log."
    ),
    retryable=False,
)
_MODEL_FILE: Final = Failure(
    "model_file",
    _("The model cannot work with this file. Leave it out, or send another one."),
    retryable=False,
)
_MODEL_UNSUITABLE: Final = Failure(
    "model_unsuitable",
    _("The configured model cannot use tools. Somebody has to choose another one."),
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

_BY_REFUSAL: Final = {
    Kind.FILTERED: _FILTERED,
    Kind.OVERFLOW: _OVERFLOW,
    Kind.FILE: _MODEL_FILE,
    Kind.TOOLS: _MODEL_UNSUITABLE,
    Kind.KEY: _MODEL_KEY,
    Kind.QUOTA: _MODEL_QUOTA,
    Kind.RATE: _MODEL_BUSY,
    Kind.MODEL: _MODEL_MISSING,
    Kind.DOWN: _MODEL_DOWN,
    Kind.REQUEST: _MODEL_REJECTED,
}
_OWN_CODES: Final = {
    "max_output_tokens": _CUT_SHORT,
    STREAM_BROKEN: _MODEL_DOWN,
    STREAM_LOST: _MODEL_UNREACHABLE,
    STREAM_SILENT: _MODEL_SLOW,
    STREAM_TOO_LONG: TOO_LONG,
    TOOL_CALL_FLOOD: _TOO_MANY_STEPS,
}
_BREAKS: Final = (STREAM_BROKEN, STREAM_LOST)


def error_event(failure: Failure, locale: str) -> ErrorEvent:
    """Give the event that tells a client of a failure, in the person's language."""
    return ErrorEvent(
        code="custom",
        message=text(locale, failure.message, **failure.values),
        allow_retry=failure.retryable,
    )


class ModelFailed(Exception):
    """The model ended its response with an error of its own, named by a provider's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def refusal(self) -> Refusal:
        """The same as a refusal, in which only the code is known."""
        return Refusal(0, self.code, (), "")


def classify(error: BaseException, *, answering: bool) -> Failure:
    """Say what an exception of a run means. `answering`: words had already arrived."""
    match error:
        case MaxTurnsExceeded():
            return _TOO_MANY_STEPS
        case ModelFailed():
            return _told(error, answering=answering)
        case openai.APIStatusError():
            return _refused(Refusal.of(error))
        case openai.APITimeoutError() | httpx2.ReadTimeout() | TimeoutError():
            return _MODEL_SLOW
        case openai.APIConnectionError() | httpx2.HTTPError() | ConnectionError():
            return _MODEL_CUT if answering else _MODEL_UNREACHABLE
        case openai.APIError():
            failure = _refused(Refusal.of(error))
            return _MODEL_CUT if answering and failure is _MODEL_DOWN else failure
        case ModelBehaviorError():
            return _MODEL_CUT if answering else _MODEL_DOWN
        case _ if type(error).__module__.split(".")[0] in {"httpx", "httpcore", "httpcore2"}:
            return _MODEL_CUT if answering else _MODEL_UNREACHABLE
        case _:
            return UNEXPECTED


def _told(failed: ModelFailed, *, answering: bool) -> Failure:
    """What the code of a failed response means."""
    if failed.code in _BREAKS and answering:
        return _MODEL_CUT
    return _OWN_CODES.get(failed.code) or _refused(failed.refusal)


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


def facts(error: BaseException) -> dict[str, str | int]:
    """Give what an operator needs to know of a provider's refusal: names, and none of its words."""
    if not isinstance(error, openai.APIError):
        return {"provider_code": error.code} if isinstance(error, ModelFailed) else {}
    refusal = Refusal.of(error)
    known = {
        "status": refusal.status,
        "provider_code": refusal.code,
        "provider_param": ", ".join(refusal.places),
    }
    return {name: value for name, value in known.items() if value}


def _refused(refusal: Refusal) -> Failure:
    failure = _BY_REFUSAL[refusal.kind]
    if refusal.kind is Kind.RATE and refusal.retry_after_s:
        return replace(_MODEL_BUSY_FOR, values={"seconds": math.ceil(refusal.retry_after_s)})
    return failure
