"""Imports the SDKs without what the chat never uses of them: a third of the function's start.

Each of these costs much, and each has its remedy.

Some modules load a whole library for a class or two that our use of them never touches:
`agents.agent` the MCP library, server included, for agents that have MCP servers;
`agents.function_schema` griffe, to read docstrings; FastAPI the models of OpenAPI documents;
the OpenAI client its helpers around streams; PyJWT all of X.509.
A stand-in takes the place of each until somebody does use it; then the real one is loaded, and so
the SDK's own MCP servers, say, work as ever.

`agents.sandbox` runs agents that have a computer of their own. A Lambda function has none to give,
so here it does not exist: a run goes as one without a sandbox goes, and importing it says so.

`openai.types` and its subpackages import every type of every API. Their `__init__` files hold
nothing but imports, so each name is imported when it is asked for (as in PEP 810).

pydantic builds the validators of every model as it is defined. In some modules most are never used;
there, each is built at its first use (pydantic's `defer_build`), and without a look for plugins in
every installed package.

FastAPI asks of every annotation whether it is a model of pydantic's first version, and imports that
to find out. Nothing here uses it, so here it is not installed.

All of this leans on how other packages are built inside. Where a version of one does not bear it,
`import_sdks` undoes it and imports everything the plain way.
"""

import ast
import importlib
import os
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.abc import InspectLoader, Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any, Final, get_args

_MCP: Final = "agents.mcp"
_STAND_INS: Final[dict[str, tuple[str, ...]]] = {
    "cryptography.x509": (),
    "fastapi.openapi.models": ("Example", "OpenAPI"),
    "fastapi.security.base": ("SecurityBase",),
    "fastapi.security.oauth2": ("SecurityScopes",),
    "griffe": ("Docstring", "DocstringSectionKind"),
    "openai.lib.streaming.responses._responses": (
        "AsyncResponseStreamManager",
        "ResponseStreamManager",
    ),
}
_SANDBOX: Final = "agents.sandbox"
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
_PLUGINS: Final = "PYDANTIC_DISABLE_PLUGINS"
_ABSENT: Final = "pydantic.v1"
_SDKS: Final = ("agents", "chatkit", "fastapi", "griffe", "openai")


def import_sdks() -> bool:
    """Import the SDKs. Tells whether it went the lean way; False too when they were there."""
    if any(name in sys.modules for name in _SDKS):
        return False
    finder = _LazyPackages()
    plugins = os.environ.get(_PLUGINS)
    os.environ.setdefault(_PLUGINS, "__all__")
    try:
        _stand_in()
        _leave_out_sandbox()
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
            if isinstance(module, _StandIn) or name.partition(".")[0] in _SDKS:
                del sys.modules[name]
        return False
    finally:
        if plugins is None:
            del os.environ[_PLUGINS]
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
    return True


class _Late:
    """A class that is loaded when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def _real(self) -> Any:
        return getattr(_real_module(self._module), self._name)

    def _is_loaded(self) -> bool:
        return not isinstance(sys.modules.get(self._module), _StandIn | _LeftOut)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make an instance of the real class."""
        return self._real()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Give an attribute of the real class."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __getitem__(self, parameters: Any) -> Any:
        """Give the real generic class with its parameters."""
        return self._real()[parameters]

    def __or__(self, other: Any) -> Any:
        """Give the union of an annotation."""
        return typing.Union[self, other]  # noqa: UP007 - the operator is being defined here

    def __ror__(self, other: Any) -> Any:
        """Give the union of an annotation."""
        return typing.Union[other, self]  # noqa: UP007

    def __mro_entries__(self, _bases: Any) -> tuple[Any]:
        """Let classes derive from the real class."""
        return (self._real(),)

    def __instancecheck__(self, instance: Any) -> bool:
        """Tell whether something is an instance of the real class: not before that is loaded."""
        return self._is_loaded() and isinstance(instance, self._real())

    def __subclasscheck__(self, subclass: Any) -> bool:
        """Tell whether a class derives from the real class: not before that is loaded."""
        return self._is_loaded() and issubclass(subclass, self._real())


class _McpClass(type):
    """Forwards what the stand-in of `MCPUtil` lacks."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real_module(_MCP).MCPUtil, name)


class _McpUtil(metaclass=_McpClass):
    """What `agents.agent` uses of `MCPUtil`, for agents without servers."""

    @classmethod
    async def get_all_function_tools(cls, servers: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Give no tools for no servers; hand everything else to the real class."""
        if not servers:
            return []
        return await _real_module(_MCP).MCPUtil.get_all_function_tools(servers, *args, **kwargs)


class _StandIn(ModuleType):
    """A module as long as nobody needs it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real_module(self.__name__), name)


def _stand_in() -> None:
    for name, classes in _STAND_INS.items():
        module = _StandIn(name)
        for class_name in classes:
            setattr(module, class_name, _Late(name, class_name))
        sys.modules[name] = module
    agents = PathFinder.find_spec("agents")
    if agents is None or not agents.submodule_search_locations:
        raise ImportError("agents")
    mcp = _StandIn(_MCP)
    mcp.MCPUtil = _McpUtil  # type: ignore[attr-defined]
    # With the package's own path, `import agents.mcp.server` finds the real module.
    mcp.__path__ = [f"{path}/mcp" for path in agents.submodule_search_locations]
    sys.modules[_MCP] = mcp


class _LeftOut(ModuleType):
    """A module that does not exist here."""


class _NoSandbox:
    """What a run uses of `SandboxRuntime` when it has no sandbox."""

    enabled = False

    def __init__(self, *, run_config: Any, **_others: Any) -> None:
        if run_config is not None and run_config.sandbox is not None:
            raise ImportError(f"{_SANDBOX} is left out of this function: see {__name__}")

    def assert_agent_supported(self, agent: Any) -> None:
        """Accept any agent: none can have a sandbox."""

    def apply_result_metadata(self, result: Any) -> None:
        """Add nothing to a result."""

    async def prepare_agent(
        self, *, current_agent: Any, current_input: Any, **_others: Any
    ) -> SimpleNamespace:
        """Give the agent and its input as they are."""
        from agents.run_internal.agent_bindings import bind_public_agent

        return SimpleNamespace(bindings=bind_public_agent(current_agent), input=current_input)

    async def enqueue_memory_result(self, *_args: Any, **_options: Any) -> None:
        """Remember nothing."""

    enqueue_memory_payload = enqueue_memory_result

    async def cleanup(self) -> None:
        """Clean nothing up."""


def _nothing(_error: BaseException) -> None:
    """What a run without a sandbox remembers of an error."""


def _leave_out_sandbox() -> None:
    contents: dict[str, dict[str, Any]] = {
        _SANDBOX: {"__path__": []},
        f"{_SANDBOX}.runtime": {"SandboxRuntime": _NoSandbox},
        f"{_SANDBOX}.memory.rollouts": {"terminal_metadata_for_exception": _nothing},
    }
    for name, class_name in (
        (f"{_SANDBOX}.capabilities.capability", "Capability"),
        (f"{_SANDBOX}.session.base_sandbox_session", "BaseSandboxSession"),
    ):
        contents[name] = {class_name: _Late(name, class_name)}
    for name, attributes in contents.items():
        module = _LeftOut(name)
        # Where an import that fails says that it looked.
        vars(module).update(attributes, __file__=f"<left out: see {__name__}>")
        sys.modules[name] = module


def _real_module(name: str) -> ModuleType:
    """Put the real module in its stand-in's place."""
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return importlib.import_module(name)


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
