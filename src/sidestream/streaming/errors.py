"""Everything that can go wrong in the runtime, and how an error is told to Lambda.

Lambda keeps only error types that match ``(Runtime|Function)\\.[A-Z][a-zA-Z]+``; anything else it
rewrites to ``Runtime.Unknown``. What is reported is the type and a fixed sentence: the message and
the traceback of an exception may hold a user's words or a key, so they go to the log alone. A class
of errors whose message never does says so with ``reportable = True``, and its message is reported:
what a deployment that fails leaves behind may be nothing else.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (error request body), and
the Runtime API server of the Lambda runtime interface emulator for the pattern.
"""

import base64
import json
from dataclasses import dataclass

ERROR_TYPE_HEADER = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY_HEADER = "Lambda-Runtime-Function-Error-Body"

# A type is a class name; this bounds the trailer whatever the class is called.
_MAX_TYPE_LENGTH = 128
_MAX_MESSAGE_LENGTH = 1000


class StreamingError(Exception):
    """Base of the errors this package raises. ``error_type`` is what Lambda is told."""

    error_type = "Runtime.Unknown"


class SettingsError(StreamingError):
    """An environment variable has a value that cannot be used."""

    error_type = "Runtime.InvalidSettings"
    reportable = True


class AppError(StreamingError):
    """``STREAM_APP`` does not lead to an ASGI application."""

    reportable = True

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class LifespanError(StreamingError):
    """The application answered ``lifespan.startup.failed``.

    Frameworks put a traceback into its message, so that is reported only where the application
    says of it that it is ``reportable``.
    """

    error_type = "Function.LifespanStartupFailed"

    def __init__(self, message: str, *, reportable: bool = False) -> None:
        super().__init__(message)
        self.reportable = reportable


class MalformedEventError(StreamingError):
    """An HTTP event whose body or fields cannot be read."""

    error_type = "Runtime.UnmarshalError"


class InvalidResponseError(StreamingError):
    """The application's response cannot be put into a prelude."""

    error_type = "Function.InvalidResponse"


class NoResponseError(StreamingError):
    """The application returned without starting a response."""

    error_type = "Function.NoResponse"


class DeadlineError(StreamingError):
    """The invocation's deadline came before the application ended its response."""

    error_type = "Runtime.DeadlineExceeded"


class ShutdownError(StreamingError):
    """The execution environment was shut down during the invocation."""

    error_type = "Runtime.Shutdown"


class ResponseClosedError(StreamingError, OSError):
    """The response has ended, or Lambda no longer takes it; ``send`` raises this.

    It is an ``OSError``, as the ASGI HTTP specification (2.4) asks of ``send`` after a disconnect.
    """


class RuntimeApiError(StreamingError):
    """The Runtime API refused a request that the runtime cannot go on without."""

    def __init__(self, endpoint: str, status: int) -> None:
        super().__init__(f"{endpoint} answered {status}")
        self.endpoint = endpoint
        self.status = status


class RuntimeApiGoneError(StreamingError):
    """The Runtime API was there and is no more, which is how an emulator ends an environment."""

    def __init__(self) -> None:
        super().__init__("the Runtime API is gone, and with it the execution environment")


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error as Lambda is told of it: a type, a sentence, a request id, and no more."""

    type: str
    message: str
    request_id: str = ""

    @classmethod
    def of(cls, error: BaseException, request_id: str = "") -> "ErrorReport":
        """The report of ``error``, without its own message where that is not ``reportable``."""
        kind = error_type(error)
        origin = "The function" if kind.startswith("Function.") else "The runtime"
        fixed = f"{origin} failed with {kind}; see its log."
        return cls(kind, reportable_message(error) or fixed, request_id)

    def body(self) -> bytes:
        """The JSON body of an ``/error`` request."""
        fields = {"errorMessage": self.message, "errorType": self.type, "stackTrace": []}
        if self.request_id:
            fields["requestId"] = self.request_id
        return json.dumps(fields).encode()

    def trailers(self) -> bytes:
        """The trailer section of a response that fails midway: header lines, body in Base64."""
        encoded = base64.b64encode(self.body()).decode()
        return f"{ERROR_TYPE_HEADER}: {self.type}\r\n{ERROR_BODY_HEADER}: {encoded}\r\n".encode()


def error_type(error: BaseException) -> str:
    """The Lambda error type of ``error``, in the one form that Lambda keeps as it is."""
    error = sole_error(error)
    if isinstance(error, StreamingError):
        return error.error_type
    letters = "".join(c for c in type(error).__name__ if c.isascii() and c.isalpha())
    name = letters[:1].upper() + letters[1:_MAX_TYPE_LENGTH]
    return f"Function.{name}" if len(name) > 1 else "Function.UnhandledError"


def reportable_message(error: BaseException) -> str:
    """The message of ``error`` where its class says that it may be reported, otherwise none."""
    error = sole_error(error)
    if getattr(error, "reportable", False) is not True:
        return ""
    return str(error)[:_MAX_MESSAGE_LENGTH]


def sole_error(error: BaseException) -> BaseException:
    """The one error in a group of one, as task groups raise it; any other error as it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
