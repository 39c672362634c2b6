"""The provider of the model: its client, the SDK's view of it, and which calls are made again."""

from typing import Final

import httpx2
from agents import ModelProvider, ModelRetrySettings, RetryPolicyContext, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from sidestream.chat.model.streamed import StreamedProvider
from sidestream.config import ChatSettings
from sidestream.model_key import ModelKey
from sidestream.network import async_client
from sidestream.tls import tls_context

_CONNECT_TIMEOUT_S: Final = 5.0
_RETRY_STATUSES: Final = frozenset({408, 409, 425, 429})
_LONGEST_WAIT_S: Final = 5.0
_BACKOFF: Final = {"initial_delay": 0.5, "max_delay": _LONGEST_WAIT_S, "multiplier": 2.0}

# Runs would otherwise be sent to OpenAI's trace store, whichever provider answers. Switching the
# SDK's own provider off would first make its exporter, which opens a TLS context.
_no_traces = DefaultTraceProvider()
_no_traces.set_disabled(True)
set_trace_provider(_no_traces)


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


def retries(settings: ChatSettings) -> ModelRetrySettings:
    """Give what the agent makes of a model call that failed."""
    return ModelRetrySettings(
        max_retries=settings.model_max_retries, backoff=_BACKOFF, policy=worth_retrying
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
    # Not only the standard's: 529 is Anthropic's `overloaded`, 520 to 524 are Cloudflare's.
    status = facts.status_code or 0
    return status in _RETRY_STATUSES or status >= 500
