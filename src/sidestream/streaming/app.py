"""From ``STREAM_APP`` to the ASGI application it names.

The error types are those of AWS's Python runtime, so that its documentation and everybody's alarms
apply (https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html).
"""

import importlib
import inspect
import sys
from typing import cast

from .asgi import App
from .errors import AppError


def load_app(name: str) -> App:
    """Import ``package.module:app``.

    What stands after the colon is an ASGI application, or a function without parameters that
    returns one.

    Raises:
        AppError: there is no such module or attribute, or it is not an application.
        Exception: whatever the module raises when it is imported.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        message = f"STREAM_APP names the ASGI application, as package.module:app; it is {name!r}"
        raise AppError("Runtime.MalformedHandlerName", message)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise AppError("Runtime.BuiltInModuleConflict", f"{module_name} is built in")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise AppError("Runtime.ImportModuleError", f"cannot import {module_name}") from error
    except SyntaxError as error:
        raise AppError("Runtime.UserCodeSyntaxError", f"cannot read {module_name}") from error
    app: object = getattr(module, attribute, None)
    if inspect.isfunction(app) and not inspect.signature(app).parameters:
        app = app()
    if not callable(app):
        raise AppError("Runtime.HandlerNotFound", f"{name} is not an ASGI application")
    return cast(App, app)
