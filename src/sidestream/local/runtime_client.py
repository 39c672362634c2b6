"""The four calls of `runtime_client`, the native part of AWS's own Python runtime client.

AWS compiles that part for Linux alone, and `awslambdaric` cannot run without it. This is the same
in plain Python, for every other system: the names, the arguments and the values are those of
`awslambdaric/runtime_client.cpp` 4.2, the requests those of "Using the Lambda runtime API for
custom runtimes" in the Lambda Developer Guide. Each call has a connection of its own: nothing is
left open for a snapshot or a fork to copy.
"""

import http.client
import os
from collections.abc import Mapping

_INVOCATION = "/2018-06-01/runtime/invocation"
_INVOCATION_ID = "Lambda-Runtime-Invocation-Id"
_DEADLINE_MS = "Lambda-Runtime-Deadline-Ms"
_TOLD = (
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Trace-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Lambda-Runtime-Aws-Tenant-Id",
    "Content-Type",
    _INVOCATION_ID,
)

type Told = dict[str, str | int | None]

_headers: dict[str, str] = {}


def initialize_client(user_agent: str) -> None:
    """Say who calls. Nothing is connected yet."""
    _headers["User-Agent"] = user_agent


def next() -> tuple[bytes, Told]:
    """Wait for an invocation, for as long as it takes: its event, and what the headers tell of it.

    What is not told is None, except the deadline (Unix time in ms), which is 0. Raises
    `RuntimeError`, as every call here does when the Runtime API refuses or is gone.
    """
    event, headers = _call("GET", f"{_INVOCATION}/next")
    told: Told = {name: headers.get(name) or None for name in _TOLD}
    return event, told | {_DEADLINE_MS: int(headers.get(_DEADLINE_MS) or 0)}


def post_invocation_result(
    request_id: str, result: bytes, content_type: str, invocation_id: str | None
) -> None:
    """Answer an invocation."""
    _post(f"{request_id}/response", result, content_type, "", invocation_id)


def post_error(request_id: str, error: str, xray_cause: str, invocation_id: str | None) -> None:
    """Report that an invocation has failed. `error` and `xray_cause` are JSON."""
    _post(f"{request_id}/error", error.encode(), "application/json", xray_cause, invocation_id)


def _post(
    path: str, body: bytes, content_type: str, xray_cause: str, invocation_id: str | None
) -> None:
    headers: dict[str, str | bytes] = {
        "Content-Type": content_type,
        # As bytes, because http.client would refuse what is beyond Latin-1.
        "Lambda-Runtime-Function-XRay-Error-Cause": xray_cause.encode(),
    }
    if invocation_id:
        headers[_INVOCATION_ID] = invocation_id
    _call("POST", f"{_INVOCATION}/{path}", body, headers)


def _call(
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str | bytes] | None = None,
) -> tuple[bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, path, body, {**_headers, **(headers or {})})
        reply = connection.getresponse()
        content = reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"The Runtime API does not answer {method} {path}: {error}") from error
    finally:
        connection.close()
    if not 200 <= reply.status < 300:
        raise RuntimeError(f"The Runtime API answers {reply.status} to {method} {path}")
    return content, reply.headers
