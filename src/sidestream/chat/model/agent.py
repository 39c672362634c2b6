"""The agent: its instructions, its model and the settings of one run."""

import json
from collections.abc import Callable
from typing import Final

from agents import (
    Agent,
    ModelProvider,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    RunErrorHandlerInput,
    RunErrorHandlerResult,
    RunErrorHandlers,
    RunHooks,
    ToolExecutionConfig,
    TResponseInputItem,
)

from sidestream.chat.context import RunContext
from sidestream.chat.marks import MEANING, plain_name
from sidestream.chat.model.provider import retries
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.config import ChatSettings

type Instructions = Callable[[RunContextWrapper[RunContext], Agent[RunContext]], str]


def instructions(registry: ToolRegistry) -> Instructions:
    """Give the domain's instructions with what is to be known of the tools at present, and of the
    person.

    What changes stands at the end, what differs from person to person last, so that a provider may
    keep what is before it. The time, which always changes, is told beside the message (`moment`).
    """

    def filled(context: RunContextWrapper[RunContext], _agent: Agent[RunContext]) -> str:
        person = context.context
        lines = [
            f"- The person reads the language “{person.locale}” (BCP 47). Use it where their words "
            "leave it open.",
            f"- Their time zone is {person.time_zone.key}: days and times are meant by its clocks.",
        ]
        if person.name:
            name = json.dumps(plain_name(person.name), ensure_ascii=False)
            lines.append(f"- They are called {name}.")
        told = (registry.domain.instructions, MEANING, registry.notes(), "\n".join([*lines, ""]))
        return "".join(told)

    return filled


def _stands(refused: RunErrorHandlerInput[RunContext]) -> RunErrorHandlerResult:
    return RunErrorHandlerResult(str(refused.error), include_in_history=False)


ERROR_HANDLERS: Final[RunErrorHandlers[RunContext]] = {"model_refusal": _stands}
"""What the agent's run does with its errors: a refusal is an answer, and its words have gone out
already."""


class _Steps(RunHooks[RunContext]):
    """Counts the calls of each response by itself."""

    async def on_llm_start(
        self,
        context: RunContextWrapper[RunContext],
        agent: Agent[RunContext],  # noqa: ARG002
        system_prompt: str | None,  # noqa: ARG002
        input_items: list[TResponseInputItem],  # noqa: ARG002
    ) -> None:
        """A call to the model begins."""
        context.context.run.step_calls = 0


STEPS: Final = _Steps()


def build_agent(tools: Toolbox, settings: ChatSettings) -> Agent[RunContext]:
    """Build the agent, once for the process. Each run gives it the tools that are offered then."""
    return Agent[RunContext](
        name="Sidestream",
        instructions=instructions(tools.registry),
        tool_use_behavior=tools.confirmation.end_if_asking,
        model_settings=ModelSettings(
            parallel_tool_calls=True,
            max_tokens=settings.max_output_tokens,
            include_usage=True,
            retry=retries(settings),
        ),
    )


def run_config(provider: ModelProvider, model: str, tool: str | None) -> RunConfig:
    """Give the settings of one run with a model, which has to begin with `tool` if one is named."""
    return RunConfig(
        model=model,
        model_provider=provider,
        model_settings=ModelSettings(tool_choice=tool) if tool else None,
        tracing_disabled=True,
        # Each concurrent call needs an execution environment of the tools' function, and a new one
        # starts for seconds; one after the other on a warm one they take milliseconds.
        tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1),
        tool_not_found_behavior="return_error_to_model",
    )
