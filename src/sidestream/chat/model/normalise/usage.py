"""Usage: what a response cost, in numbers that can be."""

import math
from collections.abc import Mapping
from typing import Any, Final

from openai.types.responses import ResponseUsage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

_MOST: Final = 20_000_000
"""Tokens: twice the longest context that any model has."""


def usage_of(told: object) -> ResponseUsage | None:
    """Give the usage that a provider told, in the words of either API; None where it told none
    that can be believed, so that it has to be estimated."""
    if not isinstance(told, Mapping):
        return None
    sent = _count(told.get("prompt_tokens", told.get("input_tokens")))
    received = _count(told.get("completion_tokens", told.get("output_tokens")))
    if sent is None or received is None:
        return None
    cached = _detail(told, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens")
    reasoned = _detail(
        told, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"
    )
    return ResponseUsage(
        input_tokens=sent,
        output_tokens=received,
        total_tokens=sent + received,
        input_tokens_details=InputTokensDetails(
            cached_tokens=min(cached, sent), cache_write_tokens=0
        ),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=min(reasoned, received)),
    )


def _detail(told: Mapping[str, Any], names: tuple[str, ...], name: str) -> int:
    found = (told.get(key) for key in names)
    return next((_count(d.get(name)) or 0 for d in found if isinstance(d, Mapping)), 0)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return math.ceil(number) if 0 <= number <= _MOST else None
