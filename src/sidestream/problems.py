"""The error tree, and how an error becomes a response.

Every failure that a client may act on is a `Problem`: raised where it is noticed, turned into an
RFC 9457 document (or, inside a running stream, into a ChatKit `error` event) in one place. `title`
and `detail` are shown to people, in their language where there is a catalogue for it (`i18n`), and
never carry a secret, a message text or another user's id.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from starlette.responses import JSONResponse

from .field_errors import FieldError
from .i18n import DEFAULT_LOCALE, tag, text

PROBLEM_TYPE: Final = "application/problem+json"


class Problem(Exception):
    """A failure with a status, a stable `code` and a sentence for people.

    `detail` is the English sentence, a constant, whose `{name}`s are filled in with `values`.
    `retry_after_s` becomes the `Retry-After` header in whole seconds, rounded up. `errors` lists
    what does not fit where. `retryable` tells a client whether sending the
    same request again can help.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_s: float | None = None,
        errors: Sequence[FieldError] = (),
        **values: object,
    ) -> None:
        self._sentence = detail or self.title
        self._values = values
        super().__init__(self.detail)
        self.retry_after_s = retry_after_s
        self.errors = errors

    @property
    def detail(self) -> str:
        """The sentence in English."""
        return self.detail_in(DEFAULT_LOCALE)

    def detail_in(self, locale: str) -> str:
        """Give the sentence in a language."""
        return text(locale, self._sentence, **self._values)


class BadRequest(Problem):
    status, code, title = 400, "bad_request", "The request is malformed"


class Unauthorized(Problem):
    status, code, title = 401, "unauthorized", "A valid token is needed"


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "This belongs to another user"


class NotFound(Problem):
    """Not there, or not yours: the two are never told apart."""

    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "This method is not allowed here"


class NotAcceptable(Problem):
    status, code, title = 406, "not_acceptable", "There is no answer of a type that is accepted"


class Conflict(Problem):
    status, code, title = 409, "conflict", "The request conflicts with the present state"


class RunInProgress(Conflict):
    code, title, retryable = "run_in_progress", "An answer is still being written", True


class KeyInProgress(Conflict):
    code, title, retryable = "key_in_progress", "This message is still being answered", True


class ThreadLocked(Conflict):
    code, title = "thread_locked", "This conversation takes no more messages"


class AlreadyAnswered(Conflict):
    code, title = "already_answered", "This question has been answered already"


class TooLarge(Problem):
    status, code, title = 413, "too_large", "The request is too large"


class UnsupportedMedia(Problem):
    status, code, title = 415, "unsupported_media", "This type of content is not accepted"


class Misdirected(Problem):
    status, code, title = 421, "misdirected", "This host is not served here"


class Invalid(Problem):
    status, code, title = 422, "invalid", "The request is not valid"


class KeyReused(Invalid):
    code, title = "key_reused", "This Idempotency-Key was used for another request"


class InvalidAnswer(Invalid):
    code, title = "invalid_answer", "The answer does not fit what was asked"


class UnknownCursor(Invalid):
    code, title = "unknown_cursor", "This place in the list is not known any more"


class RateLimited(Problem):
    status, code, title, retryable = 429, "rate_limited", "Too many requests", True


class Internal(Problem):
    pass


class NotConfigured(Problem):
    status, code, title = 501, "not_configured", "This feature is not configured here"


class BadGateway(Problem):
    status, code, title, retryable = 502, "bad_gateway", "A service behind this one failed", True


class Unavailable(Problem):
    status, code, title, retryable = 503, "unavailable", "The service is not available", True


class DatabaseUnavailable(Unavailable):
    code, title = "database_unavailable", "The database cannot be reached"


class OutcomeUnknown(DatabaseUnavailable):
    """The database was lost after it was asked to write, or what it said could not be read."""

    code, title = "outcome_unknown", "It is not known whether this was done"


def problem_document(
    problem: Problem, request_id: str, locale: str = DEFAULT_LOCALE
) -> dict[str, Any]:
    """Give the RFC 9457 document of a problem: `type, title, status, detail, code, request_id`."""
    document: dict[str, Any] = {
        "type": f"urn:sidestream:problem:{problem.code}",
        "title": text(locale, problem.title),
        "status": problem.status,
        "detail": problem.detail_in(locale),
        "code": problem.code,
        "retryable": problem.retryable,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = [error.document(locale) for error in problem.errors]
    return document


def problem_response(
    problem: Problem, request_id: str, locale: str = DEFAULT_LOCALE
) -> JSONResponse:
    """Give the `application/problem+json` response of a problem."""
    headers = {"content-language": tag(locale)}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(problem.retry_after_s)))
    if problem.status == Unauthorized.status:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(
        problem_document(problem, request_id, locale),
        status_code=problem.status,
        headers=headers,
        media_type=PROBLEM_TYPE,
    )
