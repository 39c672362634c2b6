"""What the script ``stream-runtime`` starts in place of AWS's bootstrap; where this package is
installed, the command of that name."""

import asyncio
import logging
import os
import site
import sys
from collections.abc import Mapping

from . import logs, webserver
from .app import load_app
from .errors import ErrorReport, SettingsError
from .runtime import EXIT_FAILED, EXIT_OK, Runtime, report_init_error
from .settings import Settings

_NOT_ON_LAMBDA = (
    "AWS_LAMBDA_RUNTIME_API is not set, as it is on Lambda. To serve HTTP here, with uvicorn, set "
    "AWS_LAMBDA_HTTP_ENDPOINT=127.0.0.1:8000\n"
)


def main() -> int:
    """Run the runtime as the environment describes it; return the exit code."""
    complete_path(os.environ, sys.path)
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        logging.critical("%s", error)
        runtime_api = os.environ.get("AWS_LAMBDA_RUNTIME_API", "")
        asyncio.run(report_init_error(runtime_api, ErrorReport.of(error)))
        return EXIT_FAILED
    if not (settings.runtime_api or settings.http_endpoint):
        sys.stderr.write(_NOT_ON_LAMBDA)
        return EXIT_FAILED
    os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    logs.configure(settings)
    if settings.http_endpoint is None:
        return Runtime(settings).run()
    webserver.serve(load_app(settings.app), settings.http_endpoint)
    return EXIT_OK


def complete_path(environ: Mapping[str, str], path: list[str]) -> None:
    """Add what AWS's ``bootstrap.py`` adds: the function, and what the ``.pth`` files of the
    function and its layers name.

    The script has put the directories on the path already, in their order.
    """
    task_root = environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    if task_root not in path:
        path.insert(0, task_root)
    for directory in [*path]:
        if directory == task_root or directory.startswith("/opt/python"):
            site.addsitedir(directory)


if __name__ == "__main__":
    sys.exit(main())
