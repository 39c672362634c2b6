"""From ``_HANDLER`` to the ASGI application it names.

The error types are those of AWS's Python runtime, so that its documentation and everybody's alarms
apply (https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html).
"""

import importlib
import inspect
import sys
from typing import cast

from .asgi import App
from .errors import HandlerError


def load_app(handler: str) -> App:
    """Import ``module.attribute``; slashes in the module's name count as dots.

    The attribute is an ASGI application, or a function without parameters that returns one.

    Raises:
        HandlerError: there is no such module or attribute, or it is not an application.
        Exception: whatever the module raises when it is imported.
    """
    module_name, _, attribute = handler.replace("/", ".").rpartition(".")
    if not module_name or not attribute:
        raise HandlerError("Runtime.MalformedHandlerName", f"_HANDLER is {handler!r}")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise HandlerError("Runtime.BuiltInModuleConflict", f"{module_name} is built in")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise HandlerError("Runtime.ImportModuleError", f"cannot import {module_name}") from error
    except SyntaxError as error:
        raise HandlerError("Runtime.UserCodeSyntaxError", f"cannot read {module_name}") from error
    app: object = getattr(module, attribute, None)
    if inspect.isfunction(app) and not inspect.signature(app).parameters:
        app = app()
    if not callable(app):
        raise HandlerError("Runtime.HandlerNotFound", f"{handler} is not an ASGI application")
    return cast(App, app)
