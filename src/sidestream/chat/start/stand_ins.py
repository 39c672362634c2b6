"""Stand-ins: modules that take the place of what the chat never uses of the SDKs.

Some modules load a whole library for a class or two that our use of them never touches:
`agents.agent` the MCP library, server included, for agents that have MCP servers;
`agents.function_schema` griffe, to read docstrings; FastAPI the models of OpenAPI documents;
the OpenAI client its helpers around streams; PyJWT all of X.509.
A stand-in takes the place of each until somebody does use it; then the real one is loaded, and so
the SDK's own MCP servers, say, work as ever.

`agents.sandbox` runs agents that have a computer of their own. A Lambda function has none to give,
so here it does not exist: a run goes as one without a sandbox goes, and importing it says so.
"""

import importlib
import sys
import typing
from importlib.machinery import PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any, Final

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


def install() -> None:
    """Put the stand-ins where the real modules would be. Raises `ImportError` without the SDKs."""
    _stand_in()
    _leave_out_sandbox()


class _Late:
    """A class that is loaded when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def _real(self) -> Any:
        return getattr(_real_module(self._module), self._name)

    def _is_loaded(self) -> bool:
        return not isinstance(sys.modules.get(self._module), StandIn | _LeftOut)

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


class StandIn(ModuleType):
    """A module as long as nobody needs it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real_module(self.__name__), name)


def _stand_in() -> None:
    for name, classes in _STAND_INS.items():
        module = StandIn(name)
        for class_name in classes:
            setattr(module, class_name, _Late(name, class_name))
        sys.modules[name] = module
    agents = PathFinder.find_spec("agents")
    if agents is None or not agents.submodule_search_locations:
        raise ImportError("agents")
    mcp = StandIn(_MCP)
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
    if isinstance(sys.modules.get(name), StandIn):
        del sys.modules[name]
    return importlib.import_module(name)
