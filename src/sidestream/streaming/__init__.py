"""ASGI applications on AWS Lambda, with response streaming, in Python.

AWS's Python runtime buffers a response until it is whole. This package is a runtime of its own for
the managed ``python3.13`` image: it speaks the Lambda Runtime API, runs any ASGI application
(FastAPI, Starlette) in the same process, and sends every piece of body the moment the application
does. It needs nothing but the standard library and imports nothing of the project around it.

To use it, copy this folder into a project, or install the package into it. Set
``AWS_LAMBDA_EXEC_WRAPPER`` to the script ``stream-runtime`` in this folder, as it lies on Lambda
(``/var/task/streaming/stream-runtime``), ``STREAM_APP`` to ``package.module:app`` (the application,
or a function without parameters that returns it), and ``InvokeMode: RESPONSE_STREAM`` on the
Function URL. The runtime does not read ``Handler``, which Lambda demands all the same.
:class:`~.settings.Settings` lists the environment variables. The application then finds in each
HTTP scope, besides what ASGI defines:

``scope["aws.event"]``
    The event as Lambda gave it: payload 2.0 (Function URL, HTTP API) or 1.0 (REST API).
``scope["aws.context"]``
    A :class:`LambdaContext`: request id, ``deadline_ms``, ``remaining_ms()``,
    ``invoked_function_arn``, ``trace_id``, ``cold_start``, and AWS's own attribute names.
    :func:`lambda_context` gives it, or None under an ordinary web server.
``scope["aws.end"]``
    ``await scope["aws.end"]()`` ends the response at once and cleanly, from any task of the
    request. ``receive`` then gives ``http.disconnect``, and ``send`` raises
    :class:`ResponseClosedError`.
``scope["state"]``
    A copy of what the application put there during its lifespan startup.

What the application can count on:

* Work it does after the last piece of body, such as Starlette's background tasks, runs after the
  client has the whole response and before the next invocation.
* ``STREAM_DEADLINE_MARGIN_MS`` (2000) before the deadline ``receive`` gives ``http.disconnect``;
  until it is cancelled, a quarter of that later, it may still send its last words. A response that
  is still open after that is ended with an error trailer, more than a second before the deadline.
* An exception before the first byte becomes an error of the invocation, one after it HTTP trailers.
  Lambda is told the exception's type and nothing else; the log has the rest.
* Lambda does not report that a client has gone. ``http.disconnect`` without a deadline means that
  Lambda itself has given the response up.
* ``lifespan`` startup runs in the init phase, before a SnapStart snapshot; hooks registered with
  ``snapshot_restore_py`` run around the snapshot, and may be coroutine functions.
* With ``AWS_LAMBDA_MAX_CONCURRENCY`` requests share the process and the event loop. ``request_id``
  and ``trace_id`` of :mod:`~.context` are context variables, and every log record carries its own.

In an image or on a laptop the installed command ``stream-runtime`` is the same without the script;
with ``AWS_LAMBDA_HTTP_ENDPOINT`` it serves HTTP with uvicorn and needs no Lambda.
"""

from .context import LambdaContext, lambda_context
from .errors import ResponseClosedError

__all__ = ["LambdaContext", "ResponseClosedError", "lambda_context"]
