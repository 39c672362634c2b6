"""``python -m sidestream.streaming``: what the exec wrapper starts in place of AWS's bootstrap."""

import asyncio
import logging
import os
import site
import sys
from collections.abc import Mapping

from . import logs, webserver
from .errors import ErrorReport, SettingsError
from .handler import load_app
from .runtime import EXIT_FAILED, EXIT_OK, Runtime, report_init_error
from .settings import Settings


def main() -> int:
    """Run the runtime as the environment describes it; return the exit code."""
    add_site_directories(os.environ, sys.path)
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        logging.critical("%s", error)
        runtime_api = os.environ.get("AWS_LAMBDA_RUNTIME_API", "")
        asyncio.run(report_init_error(runtime_api, ErrorReport.of(error)))
        return EXIT_FAILED
    os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    logs.configure(settings)
    if settings.http_endpoint is None:
        return Runtime(settings).run()
    webserver.serve(load_app(settings.handler), settings.http_endpoint)
    return EXIT_OK


def add_site_directories(environ: Mapping[str, str], path: list[str]) -> None:
    """Process the ``.pth`` files of the function and its layers, as AWS's ``bootstrap.py`` does.

    The wrapper has put the directories on the path already, in their order.
    """
    task_root = environ.get("LAMBDA_TASK_ROOT", "/var/task")
    for directory in [*path]:
        if directory == task_root or directory.startswith("/opt/python"):
            site.addsitedir(directory)


if __name__ == "__main__":
    sys.exit(main())
