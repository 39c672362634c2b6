"""Reads chunks of the Chat Completions API ("The chat completion chunk object")."""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from sidestream.chat.model.normalise.assembly import Assembly
from sidestream.chat.model.normalise.calls import Piece
from sidestream.chat.model.normalise.ends import End, end_of
from sidestream.chat.model.normalise.usage import usage_of
from sidestream.chat.refusals import SERVER_ERROR, code_of
from sidestream.storable import storable, storable_json

_MESSAGE: Final = "message"
PLAIN: Final = ("reasoning_content", "reasoning")
"""The fields of reasoning in words."""
STRUCTURED: Final = ("reasoning_details", "thinking_blocks")
"""The fields of reasoning in parts, some of them signed (OpenRouter; Anthropic behind LiteLLM)."""
_LEGACY_INDEX: Final = -1


class CompletionsReader:
    """Tells an assembly what chunks say. A chunk may also be a whole `chat.completion`."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._reasoning: dict[str, list[str]] = {}
        self._structured: dict[str, list[Any]] = {}

    def read(self, _name: str, chunk: Mapping[str, Any]) -> bool:
        """Read one chunk."""
        assembly = self._assembly
        if (error := _error(chunk)) is not None:
            assembly.ended(End.FAILED, code_of(error))
            return True
        assembly.create(chunk.get("id"))
        self._count(chunk.get("usage"))
        for choice in _list(chunk.get("choices")):
            if isinstance(choice, Mapping) and choice.get("index") in (None, 0):
                self._choice(choice)
                break
        return chunk.get("object") == "chat.completion"

    def close(self) -> None:
        """No more comes."""
        if not self._reasoning and not self._structured:
            return
        field = next(iter(self._reasoning), "")
        text = storable("".join(self._reasoning.get(field, ())))
        kept = {"field": field}
        for name, parts in self._structured.items():
            kept[name] = storable_json(_blocks(parts) if name == "thinking_blocks" else parts)
        summary = [{"type": "summary_text", "text": text}]
        self._assembly.reason({"summary": summary, "provider_data": kept})

    def _count(self, told: object) -> None:
        if (usage := usage_of(told)) is not None:
            self._assembly.usage = usage

    def _choice(self, choice: Mapping[str, Any]) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, Mapping):
            self._delta(delta)
        if isinstance(message, Mapping):
            self._whole(message)
        self._count(choice.get("usage"))
        if (end := end_of(choice.get("finish_reason"))) is not None:
            self._assembly.ended(end, SERVER_ERROR if end is End.FAILED else "")

    def _delta(self, delta: Mapping[str, Any]) -> None:
        assembly = self._assembly
        content = delta.get("content")
        if isinstance(content, str):
            assembly.messages.words(_MESSAGE, "text", "text", content)
        elif isinstance(content, list):
            for words in self._parts(content):
                assembly.messages.words(_MESSAGE, "text", "text", words)
        assembly.messages.words(_MESSAGE, "refusal", "refusal", delta.get("refusal"))
        self._think(delta)
        self._calls(delta)
        self._annotations(delta)

    def _whole(self, message: Mapping[str, Any]) -> None:
        """Read a message that comes whole: at the end, behind its deltas, or alone."""
        assembly, content = self._assembly, message.get("content")
        words = "".join(self._parts(content)) if isinstance(content, list) else content
        assembly.messages.whole_words(_MESSAGE, "text", "text", words)
        assembly.messages.whole_words(_MESSAGE, "refusal", "refusal", message.get("refusal"))
        if not assembly.calls.all:
            self._calls(message)
        if not self._reasoning:
            self._think(message)
        self._annotations(message)

    def _parts(self, content: list[Any]) -> list[str]:
        """The words of a content in parts; thinking is kept apart."""
        words: list[str] = []
        for part in content:
            if not isinstance(part, Mapping):
                continue
            if part.get("type") == "thinking" and isinstance(part.get("thinking"), list):
                for thought in self._parts(part["thinking"]):
                    self._reasoning.setdefault("thinking", []).append(thought)
            elif isinstance(part.get("text"), str):
                words.append(part["text"])
        return words

    def _think(self, delta: Mapping[str, Any]) -> None:
        for field in PLAIN:
            if isinstance(text := delta.get(field), str) and text:
                self._reasoning.setdefault(field, []).append(text)
        for field in STRUCTURED:
            if parts := _list(delta.get(field)):
                self._structured.setdefault(field, []).extend(parts)

    def _calls(self, delta: Mapping[str, Any]) -> None:
        together = [raw for raw in _list(delta.get("tool_calls")) if isinstance(raw, Mapping)]
        for place, raw in enumerate(together):
            # Calls that come together are different ones, though nothing else may say so.
            self._assembly.call(Piece(raw, place if len(together) > 1 else None))
        if isinstance(legacy := delta.get("function_call"), Mapping):
            self._assembly.call(Piece(legacy, _LEGACY_INDEX))

    def _annotations(self, delta: Mapping[str, Any]) -> None:
        for raw in _list(delta.get("annotations")):
            self._assembly.messages.cite(_MESSAGE, "text", raw)


def _blocks(pieces: list[Any]) -> list[Any]:
    """Anthropic's thinking blocks of their pieces: a signature ends a block."""
    blocks: list[Any] = []
    for piece in pieces:
        last = blocks[-1] if blocks else None
        if _is_thinking(last) and _is_thinking(piece) and not last.get("signature"):
            said = f"{last.get('thinking') or ''}{piece.get('thinking') or ''}"
            blocks[-1] = {**last, **piece, "thinking": said}
        else:
            blocks.append(piece)
    return blocks


def _is_thinking(block: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(block, dict) and block.get("type") == "thinking"


def _error(chunk: Mapping[str, Any]) -> object:
    """The error that came in place of a chunk: OpenAI's form, or vLLM's, which is not wrapped."""
    if chunk.get("error"):
        return chunk["error"]
    return chunk if chunk.get("object") == "error" else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
