"""What a provider takes, in one place: what is known from its address and its models' names, and
what it has taught by refusing.

Unknown servers get the form that all take. Sources stand beside each fact; what was learnt holds
for as long as the process lives.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from openai import APIStatusError

from sidestream.chat.model.sent.ids import COMMON, NINE
from sidestream.chat.refusals import Refusal
from sidestream.telemetry import logger

# Their servers, and their models' templates elsewhere, know no other ids.
_NINE: Final = re.compile(r"stral|mixtral", re.IGNORECASE)
# `The reasoning_content in the thinking mode must be passed back to the API`
# (https://api-docs.deepseek.com/guides/thinking_mode), `thinking is enabled but reasoning_content
# is missing in assistant tool call message` (https://platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model).
_REASONS: Final = re.compile(r"deepseek|kimi|moonshot", re.IGNORECASE)
# https://ai.google.dev/gemini-api/docs/thought-signatures
_SIGNS: Final = re.compile(r"gemini", re.IGNORECASE)

_MOST_TOKENS: Final = ("max_completion_tokens", "max_tokens")

OPTIONAL: Final = (
    *_MOST_TOKENS,
    "max_output_tokens",
    "parallel_tool_calls",
    "stream_options",
    "tool_choice",
    "include",
)
"""The parameters that a request may do without."""

_logger = logger("chat")


class Provider:
    """What one model of one provider takes."""

    def __init__(self, base_url: str, model: str) -> None:
        host = urlsplit(base_url).hostname or ""
        self.model = model
        self.openai = host == "api.openai.com" or host.endswith(".api.openai.com")
        """Whether it is OpenAI's own API, which knows the role `developer` and sets no order.

        Elsewhere a `developer` is an unknown role (DeepSeek, llama.cpp, vLLM), and a `system` in
        the middle is refused by Qwen's and Gemma's templates (`System message must be at the
        beginning`): notes go into the person's next message there."""
        nine = bool(_NINE.search(model)) or host.endswith("mistral.ai")
        self.ids = NINE if nine else COMMON
        """The form of the call ids that it may be given back."""
        self.reasons = bool(_REASONS.search(model))
        """Whether it wants `reasoning_content` with whatever it has said."""
        self.takes_reasoning = True
        self.signs = bool(_SIGNS.search(model)) or host.endswith("googleapis.com")
        """Whether it wants its signature with the first call of a step."""
        # `Unsupported parameter: 'max_tokens' is not supported with this model`: OpenAI's and
        # Azure's reasoning models. Others know the older name, Mistral it alone.
        newer = self.openai or host.endswith(".openai.azure.com")
        self.max_tokens: str | None = _MOST_TOKENS[0] if newer else _MOST_TOKENS[1]
        """The name of the parameter that bounds an answer on Chat Completions."""
        self.left_out: set[str] = set()
        """The `OPTIONAL` ones that it refuses."""

    def gave(self, item: Mapping[str, Any]) -> bool:
        """Tell whether this model made a call or a thought. One of the run itself says nothing."""
        origin = item.get("provider_data")
        return not isinstance(origin, Mapping) or origin.get("model", self.model) == self.model

    def without_left_out(self, body: dict[str, Any]) -> dict[str, Any]:
        """Give a request's body without the parameters that it refuses."""
        return {name: value for name, value in body.items() if name not in self.left_out}

    async def asked[Answer](self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, and again when a refusal taught how. Raises the others (`APIStatusError`)."""
        while True:
            try:
                return await ask()
            except APIStatusError as error:
                if not (learnt := self.learn(Refusal.of(error))):
                    raise
                fields = {"model": self.model, "parameter": learnt}
                _logger.warning("the model refused a parameter; sent otherwise now", extra=fields)

    def learn(self, refusal: Refusal) -> str | None:
        """Learn from a refusal. Gives what is sent otherwise from now on, None for nothing new."""
        if not self.reasons and refusal.wants("reasoning_content"):
            self.reasons = self.takes_reasoning = True
            return "reasoning_content"
        if not self.signs and refusal.wants("thought_signature"):
            self.signs = True
            return "thought_signature"
        if self.ids is not NINE and refusal.wants_nine:
            self.ids = NINE
            return "tool_calls.id"
        if self.reasons or self.takes_reasoning:
            for name in ("reasoning_content", "reasoning", "thinking_blocks"):
                if refusal.unsupported(name):
                    self.reasons = self.takes_reasoning = False
                    return name
        for name in OPTIONAL:
            if name not in self.left_out and refusal.unsupported(name):
                self.left_out.add(name)
                others = [other for other in _MOST_TOKENS if other not in self.left_out]
                self.max_tokens = others[0] if others else None
                return name
        return None


class Providers:
    """What is known of each model of a provider, for the life of the process."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._known: dict[str, Provider] = {}

    def of(self, model: str) -> Provider:
        """Give what is known of a model. Their number is that of the settings' models."""
        return self._known.setdefault(model, Provider(self._base_url, model))
