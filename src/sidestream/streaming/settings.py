"""What the runtime reads from its environment, read once and in one place.

Lambda's own variables are those of "Defined runtime environment variables"
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html); those that begin
with ``STREAM_`` are this package's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import SettingsError

DEFAULT_DEADLINE_MARGIN_MS = 2000


@dataclass(frozen=True, slots=True)
class Settings:
    """The runtime's configuration.

    ==================================  ==================================================
    ``AWS_LAMBDA_RUNTIME_API``          ``host:port`` of the Runtime API
    ``STREAM_APP``                      ``package.module:app``, an ASGI app or a factory
    ``AWS_LAMBDA_MAX_CONCURRENCY``      invocations served at once by this process
    ``AWS_LAMBDA_INITIALIZATION_TYPE``  ``on-demand``, ``provisioned-concurrency``,
                                        ``snap-start``
    ``AWS_LAMBDA_HTTP_ENDPOINT``        serve HTTP here with uvicorn instead of polling
    ``AWS_LAMBDA_LOG_FORMAT``           ``JSON`` or ``Text``
    ``AWS_LAMBDA_LOG_LEVEL``            threshold of the root logger
    ``_LAMBDA_TELEMETRY_LOG_FD``        descriptor of the framed log
    ``STREAM_DEADLINE_MARGIN_MS``       how long before the deadline the app is told to end;
                                        0 leaves the deadline to Lambda
    ``STREAM_PREAMBLE_BYTES``           size of the comment that opens every event stream
    ``STREAM_STRIP_CORS_HEADERS``       ``1`` when the Function URL owns CORS
    ==================================  ==================================================
    """

    runtime_api: str
    app: str
    max_concurrency: int | None
    initialization_type: str
    http_endpoint: str | None
    log_format: str
    log_level: str
    log_fd: int | None
    deadline_margin_ms: int
    preamble_bytes: int
    strip_cors_headers: bool
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: a number is not one, or is out of its range; a flag is neither.
        """
        margin_ms = _integer(environ, "STREAM_DEADLINE_MARGIN_MS")
        return cls(
            runtime_api=environ.get("AWS_LAMBDA_RUNTIME_API", ""),
            app=environ.get("STREAM_APP", "").strip(),
            max_concurrency=_integer(environ, "AWS_LAMBDA_MAX_CONCURRENCY", minimum=1),
            initialization_type=environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            http_endpoint=environ.get("AWS_LAMBDA_HTTP_ENDPOINT") or None,
            log_format=environ.get("AWS_LAMBDA_LOG_FORMAT", "Text"),
            log_level=environ.get("AWS_LAMBDA_LOG_LEVEL", ""),
            log_fd=_integer(environ, "_LAMBDA_TELEMETRY_LOG_FD"),
            deadline_margin_ms=DEFAULT_DEADLINE_MARGIN_MS if margin_ms is None else margin_ms,
            preamble_bytes=_integer(environ, "STREAM_PREAMBLE_BYTES") or 0,
            strip_cors_headers=_flag(environ, "STREAM_STRIP_CORS_HEADERS"),
            function_name=environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            function_version=environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            memory_limit_in_mb=environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
            log_group_name=environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        )


def _flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise SettingsError(f"{name} must be 1 or 0")
    return text in {"1", "true", "yes"}


def _integer(environ: Mapping[str, str], name: str, *, minimum: int = 0) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < minimum:
        raise SettingsError(f"{name} must be a whole number of at least {minimum}")
    return int(text)
