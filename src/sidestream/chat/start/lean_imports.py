"""Imports the SDKs without what the chat never uses of them: a third of the function's start.

`stand_ins` takes the place of modules that load whole libraries, and says which of them cannot be
imported here. And pydantic builds the validators of every model as it is defined, of which most
are never used: while the SDKs are imported, each is put off until its first use (`defer_build`).

Both lean on how other packages are built inside. Where a version of one does not bear it,
`import_sdks` undoes it and the SDKs are imported the plain way.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args

from sidestream.chat.start import stand_ins

_SDKS: Final = ("agents", "chatkit", "fastapi", "griffe", "openai")
_DEFERRED: Final = ("agents", "fastapi", "chatkit.types")


def import_sdks() -> bool:
    """Import the SDKs. Tells whether it went the lean way; False too when they were there."""
    if any(name in sys.modules for name in _SDKS):
        return False
    try:
        stand_ins.install()
        with _schemas_deferred():
            for name in _DEFERRED:
                importlib.import_module(name)
        _build_items()
    except Exception:
        for name in list(sys.modules):
            if name.partition(".")[0] in _SDKS:
                del sys.modules[name]
        return False
    return True


@contextmanager
def _schemas_deferred() -> Iterator[None]:
    """Let models that are defined inside be built at their first use."""
    from pydantic._internal._config import config_defaults

    before = config_defaults["defer_build"]
    config_defaults["defer_build"] = True
    try:
        yield
    finally:
        config_defaults["defer_build"] = before


def _build_items() -> None:
    """Build thread items and the widget that templates make, which are in most events: once here,
    and not again inside each kind of event."""
    from chatkit.types import ThreadItem
    from chatkit.widgets import DynamicWidgetRoot

    for union in (ThreadItem, DynamicWidgetRoot):
        for model in _models(union):
            model.model_rebuild()


def _models(annotation: Any) -> Iterator[Any]:
    """The models of a union, however deep it nests."""
    if hasattr(annotation, "model_rebuild"):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
