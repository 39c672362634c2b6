"""Imports the SDKs without what the chat never uses of them: a third of the function's start.

Each of these costs much, and each has its remedy.

Some modules load a whole library for a class or two that our use of them never touches: `stand_ins`
takes the place of those.

`openai.types` and its subpackages import every type of every API. Their `__init__` files hold
nothing but imports, so each name is imported when it is asked for (as in PEP 810).

pydantic builds the validators of every model as it is defined. In some modules most are never used;
there, each is built at its first use (pydantic's `defer_build`).

FastAPI asks of every annotation whether it is a model of pydantic's first version, and imports that
to find out. Nothing here uses it, so here it is not installed.

All of this leans on how other packages are built inside. Where a version of one does not bear it,
`import_sdks` undoes it and imports everything the plain way.
"""

import ast
import importlib
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.abc import InspectLoader, Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final, get_args

from sidestream.chat.start import stand_ins

_LAZY_PACKAGES: Final = frozenset(
    {
        *(f"openai.types{name}" for name in ("", ".chat", ".graders", ".responses")),
        *("openai.types.shared", "openai.types.shared_params", "openai.lib.streaming.responses"),
    }
)
_DEFERRED: Final = (
    "agents",
    "openai.resources.responses.responses",
    "fastapi",
    "chatkit.types",
)
_ABSENT: Final = "pydantic.v1"
_SDKS: Final = ("agents", "chatkit", "fastapi", "griffe", "openai")


def import_sdks() -> bool:
    """Import the SDKs. Tells whether it went the lean way; False too when they were there."""
    if any(name in sys.modules for name in _SDKS):
        return False
    finder = _LazyPackages()
    try:
        stand_ins.install()
        sys.modules.setdefault(_ABSENT, None)  # type: ignore[arg-type]
        sys.meta_path.insert(0, finder)
        with _schemas_deferred(), _annotations_compiled_once():
            for name in _DEFERRED:
                importlib.import_module(name)
        _build_items()
    except Exception:
        if sys.modules.get(_ABSENT, finder) is None:
            del sys.modules[_ABSENT]
        for name, module in list(sys.modules.items()):
            if isinstance(module, stand_ins.StandIn) or name.partition(".")[0] in _SDKS:
                del sys.modules[name]
        return False
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
    return True


class _LazyPackages:
    """A finder (importlib's "meta path") that loads the packages above without their contents."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find one of the packages."""
        if name not in _LAZY_PACKAGES:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, InspectLoader):
            spec.loader = _LazyLoader(spec.loader)
        return spec


class _LazyLoader(Loader):
    """Reads the imports of an `__init__` file and does each when its name is asked for."""

    def __init__(self, loader: InspectLoader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        """Set the module up."""
        names: dict[str, tuple[str, str]] = {}
        for statement in ast.parse(self._loader.get_source(module.__name__) or "").body:
            match statement:
                case ast.ImportFrom(module="__future__"):
                    continue
                case ast.ImportFrom(module=str(source), level=level) if level > 0:
                    where = "." * level + source
                    names.update((n.asname or n.name, (where, n.name)) for n in statement.names)
                case _:
                    raise ImportError(f"{module.__name__} does more than import")

        def look_up(name: str) -> Any:
            if name not in names:
                return _submodule(module, name)
            where, original = names[name]
            value = getattr(importlib.import_module(where, module.__name__), original)
            setattr(module, name, value)
            return value

        module.__getattr__ = look_up  # type: ignore[method-assign]


def _submodule(package: ModuleType, name: str) -> ModuleType:
    """A submodule that importing the package the plain way would have loaded too."""
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return importlib.import_module(f"{package.__name__}.{name}")
    except ModuleNotFoundError:
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}") from None


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


def _always(_adapter: object) -> bool:
    return True


@contextmanager
def _annotations_compiled_once() -> Iterator[None]:
    """Let `typing`, which compiles every annotation that is a string, compile the same words once.

    A global of its module goes before the builtin.
    """
    vars(typing)["compile"] = cache(compile)
    try:
        yield
    finally:
        del vars(typing)["compile"]


@contextmanager
def _schemas_deferred() -> Iterator[None]:
    """Let models and adapters that are defined inside be built at their first use."""
    from pydantic import TypeAdapter
    from pydantic._internal import _config

    adapters_defer = TypeAdapter._defer_build
    models_defer = _config.config_defaults["defer_build"]
    _config.config_defaults["defer_build"] = True
    TypeAdapter._defer_build = _always  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        _config.config_defaults["defer_build"] = models_defer
        TypeAdapter._defer_build = adapters_defer  # type: ignore[method-assign]
