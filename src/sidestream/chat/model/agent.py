"""The agent: its instructions, its model and the settings of one run."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import httpx2
from agents import (
    Agent,
    ModelProvider,
    ModelRetrySettings,
    ModelSettings,
    RetryPolicyContext,
    RunConfig,
    RunContextWrapper,
    RunErrorHandlerInput,
    RunErrorHandlerResult,
    RunErrorHandlers,
    ToolExecutionConfig,
    set_trace_provider,
)
from agents.tracing.provider import DefaultTraceProvider
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from sidestream.chat.context import RunContext
from sidestream.chat.model.streamed import StreamedProvider
from sidestream.chat.tls import tls_context
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.config import ChatSettings
from sidestream.model_key import ModelKey
from sidestream.network import async_client

_CONNECT_TIMEOUT_S: Final = 5.0
_RETRY_STATUSES: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S: Final = 5.0
_BACKOFF: Final = {"initial_delay": 0.5, "max_delay": _LONGEST_WAIT_S, "multiplier": 2.0}

# Runs would otherwise be sent to OpenAI's trace store, whichever provider answers. Switching the
# SDK's own provider off would first make its exporter, which opens a TLS context.
_no_traces = DefaultTraceProvider()
_no_traces.set_disabled(True)
set_trace_provider(_no_traces)


type Instructions = Callable[[RunContextWrapper[RunContext], Agent[RunContext]], str]


def instructions(registry: ToolRegistry) -> Instructions:
    """Give the domain's instructions with what is to be known of the tools at present, and today's
    date, without which "tomorrow" means nothing.

    What changes stands at the end, so that a provider may keep what is before it.
    """

    def today(_context: RunContextWrapper[RunContext], _agent: Agent[RunContext]) -> str:
        date = f"- Today is {datetime.now(UTC):%A, %d %B %Y} (UTC).\n"
        return f"{registry.domain.instructions}{registry.notes()}{date}"

    return today


def _stands(refused: RunErrorHandlerInput[RunContext]) -> RunErrorHandlerResult:
    return RunErrorHandlerResult(str(refused.error), include_in_history=False)


ERROR_HANDLERS: Final[RunErrorHandlers[RunContext]] = {"model_refusal": _stands}
"""What the agent's run does with its errors: a refusal is an answer, and its words have gone out
already."""


def build_agent(tools: Toolbox, settings: ChatSettings) -> Agent[RunContext]:
    """Build the agent, once for the process."""
    return Agent[RunContext](
        name="Sidestream",
        instructions=instructions(tools.registry),
        tools=list(tools.function_tools()),
        tool_use_behavior=tools.confirmation.end_if_asking,
        model_settings=ModelSettings(
            parallel_tool_calls=True,
            max_tokens=settings.max_output_tokens,
            include_usage=True,
            retry=ModelRetrySettings(
                max_retries=settings.model_max_retries, backoff=_BACKOFF, policy=worth_retrying
            ),
        ),
    )


def worth_retrying(context: RetryPolicyContext) -> bool:
    """Tell whether a failed model call is made again (the Agents SDK asks before any output only).

    Not when the model is slow, the account is empty, or the provider asks for a longer wait than a
    person would put up with: they are told instead.
    """
    facts = context.normalized
    if facts.error_code == "insufficient_quota" or (facts.retry_after or 0) > _LONGEST_WAIT_S:
        return False
    if facts.is_network_error:
        return not facts.is_timeout
    return facts.status_code in _RETRY_STATUSES


def build_client(settings: ChatSettings) -> AsyncOpenAI:
    """Build the client of the model's API, kept alive for the process.

    It retries nothing by itself: the agent's settings say what is retried.
    """
    return AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value() or "not-set",
        base_url=str(settings.openai_base_url) if settings.openai_base_url else None,
        timeout=httpx2.Timeout(settings.model_timeout_s, connect=_CONNECT_TIMEOUT_S),
        max_retries=0,
        http_client=async_client(
            str(settings.openai_base_url or ""),
            DefaultAsyncHttpxClient,
            verify=tls_context(),
            auth=ModelKey(settings.secret("openai_api_key")),
        ),
    )


def build_provider(client: AsyncOpenAI, settings: ChatSettings) -> ModelProvider:
    """Build the Agents SDK's model provider on a client."""
    return StreamedProvider(client, settings)


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
