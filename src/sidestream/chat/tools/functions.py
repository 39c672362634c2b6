"""Function tools: an adopter's own functions, made with the Agents SDK's `function_tool`.

A domain names a module of them (`Domain.functions`). Its `FUNCTIONS` pairs each with what a pack
says of a tool, and one of which nothing is said asks a person first.
"""

import asyncio
import copy
import importlib
import json
from typing import Any, Final

from agents import FunctionTool
from agents.tool import (
    resolve_function_tool_failure_error_function,
    set_function_tool_failure_error_function,
)
from agents.tool_context import ToolContext

from sidestream.chat.context import RunContext
from sidestream.chat.tools.elicitation import Answers
from sidestream.chat.tools.server import ToolResult
from sidestream.chat.tools.sources import OfferedTool, ReleasedTools
from sidestream.domain import Ask, Domain, DomainError, Tool, policy_of
from sidestream.i18n import _
from sidestream.telemetry import log_failure, logger

_FAILED: Final = _("The tool did not work.")
_TIMEOUT_S: Final = 20.0

log = logger("chat")


class FunctionTools(ReleasedTools):
    """The function tools of a domain. Raises `DomainError` for what is none, and for one whose name
    the domain's server has too."""

    def __init__(self, domain: Domain) -> None:
        declared = _declared(domain)
        self._functions = {tool.name: tool for tool, _said in declared}
        super().__init__(domain, {tool.name: _offered(tool, said) for tool, said in declared})
        if taken := sorted(self._functions.keys() & domain.policies.keys()):
            raise DomainError(
                f"The function {taken[0]} of the domain {domain.name} has the name of a tool."
            )

    async def call(
        self,
        context: RunContext,
        name: str,
        call_id: str,
        arguments: dict[str, Any],
        key: str,  # noqa: ARG002
        answers: Answers | None = None,  # noqa: ARG002
    ) -> ToolResult:
        """Call a function. An exception of its own is a result that failed."""
        text = json.dumps(arguments, ensure_ascii=False)
        own = self._functions[name]
        call = ToolContext(context, tool_name=name, tool_call_id=call_id, tool_arguments=text)
        raising = copy.copy(own)
        set_function_tool_failure_error_function(raising, None)
        try:
            async with asyncio.timeout(own.timeout_seconds or _TIMEOUT_S):
                output = await raising.on_invoke_tool(call, text)
        except Exception as error:
            log_failure(log, "function tool failed", error, tool=name, run_id=context.run_id)
            return ToolResult(f"{_FAILED}\n{await _words_of(own, call, error)}", failed=True)
        return _result(output)


def _declared(domain: Domain) -> list[tuple[FunctionTool, Tool]]:
    if not domain.functions:
        return []
    try:
        declared = [
            (tool, said) for tool, said in importlib.import_module(domain.functions).FUNCTIONS
        ]
    except Exception as error:  # whatever an adopter's module raises
        raise DomainError(
            f"The functions of the domain {domain.name} cannot be imported from {domain.functions} "
            f"({type(error).__name__}: {error}): it needs FUNCTIONS, pairs of a function tool and "
            "a Tool."
        ) from error
    for tool, said in declared:
        if not isinstance(tool, FunctionTool) or not isinstance(said, Tool):
            raise DomainError(
                f"The FUNCTIONS of {domain.functions} are pairs of a function tool and a Tool."
            )
        if tool.tool_input_guardrails or tool.tool_output_guardrails:
            raise DomainError(
                f"The function {tool.name} of the domain {domain.name} has guardrails, which are "
                "not run here."
            )
    return declared


def _offered(tool: FunctionTool, said: Tool) -> OfferedTool:
    policy = policy_of({"name": tool.name}, said)
    if tool.needs_approval is not False and policy.ask == Ask.NEVER:
        raise DomainError(f"The function {tool.name} needs approval, and its Tool never asks.")
    return OfferedTool(
        policy=policy,
        description=tool.description,
        schema=tool.params_json_schema,
        strict=tool.strict_json_schema,
    )


async def _words_of(tool: FunctionTool, call: ToolContext[RunContext], error: Exception) -> str:
    """What the function's own `failure_error_function` makes of an error, for the model."""
    formatter = resolve_function_tool_failure_error_function(tool, call)
    if formatter is None:
        return type(error).__name__
    words = formatter(call, error)
    return str(words if isinstance(words, str) else await words)


def _result(output: Any) -> ToolResult:
    """A function's output, which is anything: a JSON value as it is, and else its words."""
    try:
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    except (TypeError, ValueError):
        return ToolResult(str(output), failed=False, content=str(output))
    try:
        return ToolResult(text, failed=False, content=json.loads(text))
    except ValueError:
        return ToolResult(text, failed=False, content=text)
