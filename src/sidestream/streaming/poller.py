"""One loop of ``next``, application, answer. A process runs one, or as many as may be concurrent.

``AWS_LAMBDA_MAX_CONCURRENCY`` is the number of invocations Lambda Managed Instances may give to
one environment at once
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html). AWS's Python
client forks that many processes; waiting on a model needs only that many tasks.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import context
from .asgi import App
from .context import CONTEXT_KEY, EVENT_KEY, LambdaContext
from .cycle import CycleOptions, HttpCycle
from .errors import ErrorReport, MalformedEventError
from .events import HttpRequest, event_shape, http_request
from .response import InvocationResponse
from .runtime_api import Invocation, RuntimeApi
from .settings import Settings

log = logging.getLogger(__package__)

_TRACE_ID_VARIABLE = "_X_AMZN_TRACE_ID"


class Poller:
    """Takes invocations from the Runtime API, one after the other.

    ``is_cold_start`` is asked once per invocation and answers True at most once per process.
    """

    def __init__(
        self,
        settings: Settings,
        app: App,
        state: Mapping[str, Any],
        is_cold_start: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._app = app
        self._state = state
        self._is_cold_start = is_cold_start
        self._api = RuntimeApi(settings.runtime_api)

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            RuntimeApiError: ``next`` was refused.
            RuntimeApiGoneError: the Runtime API was there, and is gone.
            OSError: nobody listens there, or it does not speak HTTP.
        """
        try:
            while True:
                invocation = await self._api.next()
                context.request_id.set(invocation.request_id)
                context.tenant_id.set(invocation.tenant_id)
                self._trace(invocation.trace_id)
                await self._serve(invocation)
                context.request_id.set("")
        finally:
            self._api.close()

    async def _serve(self, invocation: Invocation) -> None:
        # Connects while the event is read and the application starts to think.
        response = InvocationResponse(self._api, invocation)
        try:
            event, request = _read_event(invocation)
        except MalformedEventError as error:
            log.error("%s", error)
            await response.send_error(ErrorReport.of(error, invocation.request_id))
            await response.close()
            return
        if request is None:
            # API Gateway and schedules may send events that are not HTTP; None is what a handler
            # that has nothing to say returns.
            log.warning("Not an HTTP event, acknowledged: %s", event_shape(event))
            await response.send_json(b"null")
            await response.close()
            return
        request.scope[EVENT_KEY] = event
        request.scope[CONTEXT_KEY] = self._context(invocation)
        request.scope["state"] = dict(self._state)
        options = CycleOptions(
            request_id=invocation.request_id,
            deadline_ms=invocation.deadline_ms,
            deadline_margin_ms=self._settings.deadline_margin_ms,
            preamble_bytes=self._settings.preamble_bytes,
            strip_cors_headers=self._settings.strip_cors_headers,
        )
        await HttpCycle(request, response, options).run(self._app)

    def _context(self, invocation: Invocation) -> LambdaContext:
        settings = self._settings
        return LambdaContext(
            aws_request_id=invocation.request_id,
            deadline_ms=invocation.deadline_ms,
            invoked_function_arn=invocation.function_arn,
            trace_id=invocation.trace_id,
            cold_start=self._is_cold_start(),
            function_name=settings.function_name,
            function_version=settings.function_version,
            memory_limit_in_mb=settings.memory_limit_in_mb,
            log_group_name=settings.log_group_name,
            log_stream_name=settings.log_stream_name,
            tenant_id=invocation.tenant_id,
            client_context=_json_object(invocation.client_context),
            identity=_json_object(invocation.cognito_identity),
        )

    def _trace(self, trace_id: str) -> None:
        """Tell tracers the trace: by the environment, as AWS does, while one request is alone."""
        context.trace_id.set(trace_id)
        if self._settings.max_concurrency is not None:
            return
        if trace_id:
            os.environ[_TRACE_ID_VARIABLE] = trace_id
        else:
            os.environ.pop(_TRACE_ID_VARIABLE, None)


def _read_event(invocation: Invocation) -> tuple[object, HttpRequest | None]:
    try:
        event: object = json.loads(invocation.event)
    except ValueError as error:
        raise MalformedEventError("the event is not JSON") from error
    return event, http_request(event)


def _json_object(text: str | None) -> dict[str, Any] | None:
    try:
        value: object = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
