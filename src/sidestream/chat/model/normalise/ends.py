"""Ends: what a provider's `finish_reason`, `status` or error means."""

from enum import IntEnum
from typing import Final


class End(IntEnum):
    """How a response ended. Where two are told, the greater one counts."""

    DONE = 0
    LENGTH = 1
    FILTERED = 2
    FAILED = 3


# OpenAI, and the words of Hugging Face's TGI, Anthropic and Google where gateways pass them on.
_GOOD: Final = frozenset(
    {"stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence", "eos_token"}
)
# OpenAI; Google, Anthropic (`max_tokens`); Mistral (`model_length`); Responses.
_LENGTH: Final = frozenset(
    {
        "length",
        "max_tokens",
        "max_output_tokens",
        "model_length",
        "model_context_window_exceeded",
    }
)
# OpenAI; Zhipu (`sensitive`); Google's safety words; Anthropic (`refusal`).
_FILTERED: Final = frozenset(
    {
        "content_filter",
        "sensitive",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
        "model_armor",
        "refusal",
    }
)


def end_of(reason: object) -> End | None:
    """Give what a reason means; None for none (null, empty), which is no end. What is not known to
    be good is a failure."""
    if reason is None or not str(reason).strip():
        return None
    word = str(reason).strip().lower()
    if word in _GOOD:
        return End.DONE
    if word in _LENGTH:
        return End.LENGTH
    return End.FILTERED if word in _FILTERED else End.FAILED
