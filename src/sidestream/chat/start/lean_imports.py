"""Imports the SDKs without what the chat never uses of them: a third of the function's start.

`stand_ins` takes the place of modules that load whole libraries, and says which of them cannot be
imported here. The packages of OpenAI's types import every type of every API, in files that hold
nothing but imports: each name is imported when it is asked for. And pydantic builds the validators
of every model as it is defined, of which most are never used: while the SDKs are imported, each is
put off until its first use (`defer_build`).

All three lean on how other packages are built inside. Where a version of one does not bear it,
`import_sdks` undoes them and the SDKs are imported the plain way.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import InspectLoader, Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final, get_args

from sidestream.chat.start import stand_ins

_SDKS: Final = ("agents", "chatkit", "fastapi", "openai")
_DEFERRED: Final = ("agents", "fastapi", "chatkit.types")
_LAZY: Final = {"openai.types", "openai.types.responses", "openai.types.chat"}


def import_sdks() -> bool:
    """Import the SDKs. Tells whether it went the lean way; False too when they were there."""
    if any(name in sys.modules for name in _SDKS):
        return False
    finder = _LazyPackages()
    sys.meta_path.insert(0, finder)
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
    finally:
        sys.meta_path.remove(finder)
    return True


class _LazyPackages:
    """A finder (importlib's "meta path") of packages whose contents are imported one by one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find one of the packages."""
        spec = PathFinder.find_spec(name, path, target) if name in _LAZY else None
        if spec is not None and isinstance(spec.loader, InspectLoader):
            spec.loader = _LazyLoader(spec.loader)
        return spec


class _LazyLoader(Loader):
    """Reads the imports of an `__init__` file, and does each when its name is asked for."""

    def __init__(self, loader: InspectLoader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        """Set the module up."""
        names: dict[str, tuple[str, str]] = {}
        for node in ast.parse(self._loader.get_source(module.__name__) or "").body:
            if not isinstance(node, ast.ImportFrom):
                raise ImportError(f"{module.__name__} does more than import")
            where = "." * node.level + (node.module or "")
            names.update((each.asname or each.name, (where, each.name)) for each in node.names)

        def look_up(name: str) -> Any:
            if name not in names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            where, original = names[name]
            value = getattr(importlib.import_module(where, module.__name__), original)
            setattr(module, name, value)
            return value

        module.__getattr__ = look_up  # type: ignore[method-assign]


@contextmanager
def _schemas_deferred() -> Iterator[None]:
    """Let models and adapters that are defined inside be built at their first use."""
    from pydantic import TypeAdapter
    from pydantic._internal._config import config_defaults

    before = config_defaults["defer_build"], TypeAdapter._defer_build
    config_defaults["defer_build"] = True
    TypeAdapter._defer_build = lambda _: True  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        config_defaults["defer_build"], TypeAdapter._defer_build = before  # type: ignore[method-assign]


def _build_items() -> None:
    """Build what is in most events, items and widgets, once and not inside each kind of event."""
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
