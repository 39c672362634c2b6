"""The Lambda Runtime API, as a client sees it.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html for ``next``, ``response``
and the two ``error`` endpoints. ``restore/next`` and ``restore/error`` are not on that page; they
are here as AWS's own Python runtime client (``awslambdaric``) uses them.
"""

import platform
from dataclasses import dataclass

from .errors import ERROR_TYPE_HEADER, ErrorReport, RuntimeApiError, RuntimeApiGoneError
from .http11 import Connection, Reply, request_head

_VERSION = "/2018-06-01/runtime"
_USER_AGENT = f"sidestream-streaming/python-{platform.python_version()}"
_ERROR_CONTENT_TYPE = "application/vnd.aws.lambda.error+json"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What ``next`` answers: the event as it came, and the headers that describe it."""

    request_id: str
    event: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str
    invocation_id: str | None
    """Set by Lambda since July 2026 and echoed, so that an answer to an invocation that has timed
    out is told apart and refused with 410."""
    client_context: str | None
    cognito_identity: str | None
    tenant_id: str | None


class RuntimeApi:
    """The Runtime API at one address, over one keep-alive connection for its GETs.

    A POST gets a connection of its own from :meth:`connect`: a stream closes its connection at the
    end ("Response streaming" in https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html).
    """

    def __init__(self, address: str) -> None:
        """``address`` is the ``host:port`` of ``AWS_LAMBDA_RUNTIME_API``."""
        host, _, port = address.rpartition(":")
        self._address = address
        self._host, self._port = (host, int(port)) if host else (address, 80)
        self._connection: Connection | None = None
        self._reached = False

    async def connect(self) -> Connection:
        return await Connection.open(self._host, self._port)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def next(self) -> Invocation:
        """Wait for the next invocation, for as long as it takes.

        Raises:
            RuntimeApiError: the answer is not 200, or does not name a request. Not recoverable.
            RuntimeApiGoneError: it could be reached before, and cannot now.
            OSError: it could never be reached, or does not speak HTTP.
        """
        path = f"{_VERSION}/invocation/next"
        try:
            reply = await self._get(path)
        except ConnectionError as error:
            if not self._reached:
                raise
            raise RuntimeApiGoneError from error
        headers = reply.headers
        if reply.status != 200 or "lambda-runtime-aws-request-id" not in headers:
            raise RuntimeApiError(path, reply.status)
        return Invocation(
            request_id=headers["lambda-runtime-aws-request-id"],
            event=reply.body,
            deadline_ms=int(headers.get("lambda-runtime-deadline-ms") or 0),
            function_arn=headers.get("lambda-runtime-invoked-function-arn", ""),
            trace_id=headers.get("lambda-runtime-trace-id", ""),
            invocation_id=headers.get("lambda-runtime-invocation-id"),
            client_context=headers.get("lambda-runtime-client-context"),
            cognito_identity=headers.get("lambda-runtime-cognito-identity"),
            tenant_id=headers.get("lambda-runtime-aws-tenant-id"),
        )

    async def restore_next(self) -> None:
        """Return after the environment has been snapshotted and restored.

        Raises:
            RuntimeApiError: the answer is not 200.
        """
        path = f"{_VERSION}/restore/next"
        reply = await self._get(path)
        # This socket is in the snapshot; the one after it must not be.
        self.close()
        if reply.status != 200:
            raise RuntimeApiError(path, reply.status)

    async def init_error(self, report: ErrorReport) -> Reply:
        return await self._post_error(f"{_VERSION}/init/error", report)

    async def restore_error(self, report: ErrorReport) -> Reply:
        return await self._post_error(f"{_VERSION}/restore/error", report)

    def response_head(self, invocation: Invocation, headers: list[tuple[str, str]]) -> bytes:
        """The head of ``POST .../response``; the body follows on the same connection."""
        path = f"{_VERSION}/invocation/{invocation.request_id}/response"
        return request_head("POST", path, [*self._headers(invocation), *headers])

    def error_request(self, invocation: Invocation, report: ErrorReport) -> bytes:
        """``POST .../error`` whole, which Lambda takes only before the response has begun."""
        path = f"{_VERSION}/invocation/{invocation.request_id}/error"
        return self._error_post(path, report, self._headers(invocation))

    async def _post_error(self, path: str, report: ErrorReport) -> Reply:
        connection = await self.connect()
        try:
            connection.write(self._error_post(path, report, self._headers()))
            return await connection.read_reply()
        finally:
            connection.close()

    def _error_post(self, path: str, report: ErrorReport, headers: list[tuple[str, str]]) -> bytes:
        body = report.body()
        described = [
            (ERROR_TYPE_HEADER, report.type),
            ("Content-Type", _ERROR_CONTENT_TYPE),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        return request_head("POST", path, [*headers, *described]) + body

    def _headers(self, invocation: Invocation | None = None) -> list[tuple[str, str]]:
        headers = [("Host", self._address), ("User-Agent", _USER_AGENT)]
        if invocation is not None and invocation.invocation_id is not None:
            headers.append(("Lambda-Runtime-Invocation-Id", invocation.invocation_id))
        return headers

    async def _get(self, path: str) -> Reply:
        reused = self._connection is not None and self._connection.is_usable
        try:
            return await self._exchange(path)
        except OSError:
            # Only a kept connection may have been closed while nobody looked.
            if not reused:
                raise
            return await self._exchange(path)

    async def _exchange(self, path: str) -> Reply:
        if self._connection is None or not self._connection.is_usable:
            self.close()
            self._connection = await self.connect()
            self._reached = True
        kept = False
        try:
            self._connection.write(request_head("GET", path, self._headers()))
            reply = await self._connection.read_reply()
            kept = reply.keep_alive
            return reply
        finally:
            if not kept:
                self.close()
