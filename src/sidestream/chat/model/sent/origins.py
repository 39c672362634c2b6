"""What a model's calls came with, to be kept beside them and given back.

DeepSeek and Kimi refuse a call without its reasoning, Gemini one without its signature, Anthropic a
thought without its own; and a call goes back in the step of which it was a part.
"""

from collections.abc import Iterable
from typing import Any

from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseReasoningItem,
)
from pydantic import BaseModel

from sidestream.chat.model.sent.conversation import Part


def origins(output: Iterable[ResponseOutputItem], model: str, step: int) -> dict[str, Part]:
    """Give where each call of a response of `model` comes from, by the call's id, as JSON:
    `{"step", "provider_data", "reasoning"}`, in which the reasoning is what was thought before it.

    `step` counts the responses of a run.
    """
    found: dict[str, Part] = {}
    thoughts: list[Part] = []
    for item in output:
        if isinstance(item, ResponseReasoningItem):
            fields = item.model_dump(mode="json", exclude_none=True, exclude={"status"})
            thoughts.append({**fields, "provider_data": _provider_data(item, model)})
        elif isinstance(item, ResponseFunctionToolCall):
            origin: Part = {"step": step, "provider_data": _provider_data(item, model)}
            if thoughts:
                origin["reasoning"] = thoughts
            found[item.call_id] = origin
            thoughts = []
    return found


def _provider_data(item: BaseModel, model: str) -> dict[str, Any]:
    given = getattr(item, "provider_data", None) or {}
    return {**given, "model": model}
