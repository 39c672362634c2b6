"""Stand-ins: small modules in the place of large ones, of which a run needs a class or nothing.

`agents.mcp` (the MCP library, its server included) and `agents.sandbox` (agents that have a
computer of their own) **cannot be imported in ChatFunction**: the chat has its own client for tool
servers, and a function has no computer to give. Importing them fails and says so.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, Final


class LeftOut(ModuleType):
    """A module with nothing but what the SDK itself needs of it."""

    def __init__(self, name: str, contents: dict[str, Any]) -> None:
        super().__init__(name)
        # `__file__` is where an import that fails says that it looked.
        vars(self).update(contents, __file__=f"<left out: see {__name__}>", __path__=[])


class _NoServers:
    """What an agent without MCP servers asks of `MCPUtil`."""

    @staticmethod
    async def get_all_function_tools(servers: list[Any], *_args: Any, **_options: Any) -> list[Any]:
        """Give no tools for no servers."""
        if servers:
            raise ImportError(f"agents.mcp is left out of this function: see {__name__}")
        return []


class _NoSandbox:
    """What a run uses of `SandboxRuntime` when it has no sandbox."""

    enabled = False

    def __init__(self, *, run_config: Any, **_others: Any) -> None:
        if run_config is not None and run_config.sandbox is not None:
            raise ImportError(f"agents.sandbox is left out of this function: see {__name__}")

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


_LEFT_OUT: Final[dict[str, dict[str, Any]]] = {
    "agents.mcp": {"MCPUtil": _NoServers},
    "agents.sandbox": {},
    "agents.sandbox.runtime": {"SandboxRuntime": _NoSandbox},
    "agents.sandbox.memory.rollouts": {"terminal_metadata_for_exception": lambda _: None},
    "agents.sandbox.capabilities.capability": {"Capability": type("Capability", (), {})},
    "agents.sandbox.session.base_sandbox_session": {
        "BaseSandboxSession": type("BaseSandboxSession", (), {})
    },
}


def install() -> None:
    """Put the stand-ins where the real modules would be."""
    for module, contents in _LEFT_OUT.items():
        sys.modules[module] = LeftOut(module, contents)
