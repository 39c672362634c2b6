"""Errors in the shape that OpenAI's API gives them.

The body is `{"error": {"message", "type", "param", "code"}}`; statuses and codes are those of
OpenAI's error guide, the messages about function calls those that its servers send.
"""

from typing import Any


class ApiError(Exception):
    """An error answer: `status` is the HTTP status, `retry_after_s` goes into `Retry-After`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s

    @property
    def error(self) -> dict[str, Any]:
        """The `error` object of the body."""
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }


def of_status(status: int, retry_after_s: float | None = None) -> ApiError:
    """The usual error of an HTTP status; a server error for those that have none."""
    match status:
        case 401:
            return ApiError(status, "Incorrect API key provided.", code="invalid_api_key")
        case 404:
            return ApiError(
                status,
                "The model does not exist or you do not have access to it.",
                code="model_not_found",
            )
        case 429:
            return ApiError(
                status,
                "Rate limit reached for requests. Please try again later.",
                type="requests",
                code="rate_limit_exceeded",
                retry_after_s=retry_after_s,
            )
    return ApiError(
        status,
        "The server had an error while processing your request. Sorry about that!",
        type="server_error",
        retry_after_s=retry_after_s,
    )


def context_overflow(param: str) -> ApiError:
    """The input is longer than the model's context window."""
    return ApiError(
        400,
        "Your input exceeds the context window of this model. "
        "Please adjust your input and try again.",
        code="context_length_exceeded",
        param=param,
    )
