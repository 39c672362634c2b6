"""The same application behind uvicorn, where the platform speaks HTTP to the function itself.

``AWS_LAMBDA_HTTP_ENDPOINT`` is the address a Lambda web function has to listen on
(https://docs.aws.amazon.com/lambda/latest/dg/web-functions-runtimes.html). uvicorn is imported
only here, and has to be in the function's own dependencies.
"""

from .asgi import App
from .errors import SettingsError


def serve(app: App, endpoint: str) -> None:
    """Serve ``app`` on ``endpoint`` (``host:port``, a scheme is ignored) until a signal.

    Raises:
        SettingsError: ``endpoint`` has no port.
        ImportError: uvicorn is not installed.
    """
    host, port = address(endpoint)
    import uvicorn

    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, server_header=False)


def address(endpoint: str) -> tuple[str, int]:
    """Split ``[scheme://]host:port[/]``.

    Raises:
        SettingsError: there is no port.
    """
    host, _, port = endpoint.rpartition("://")[2].rstrip("/").rpartition(":")
    if not port.isdigit():
        raise SettingsError("AWS_LAMBDA_HTTP_ENDPOINT must be host:port")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - where Lambda's proxy looks
