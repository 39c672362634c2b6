"""What came back from a model's provider, as it is on the wire: it is reported, and not mended.

Source: OpenAI's API reference, "Chat Completions" and "Responses", with their streaming events.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from sidestream.cli.checks.model_request import PATHS, Api, Asking, Call, Message
from sidestream.headers import RETRY_AFTER

_ENDS: Final = frozenset({"stop", "tool_calls", "length", "content_filter", "completed"})
_MAX_BYTES: Final = 2_000_000


@dataclass(slots=True)
class Heard:
    """What came of a request. Times are in ms since it was sent: `first_ms` is that of the first
    word or call, `pieces_ms` those of the pieces (what arrived at once) that had words."""

    streamed: bool = True
    words: str = ""
    deltas: int = 0
    first_ms: float | None = None
    pieces_ms: list[float] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    end: str = ""
    usage: tuple[int, int] | None = None
    oddities: dict[str, None] = field(default_factory=dict)
    """What no specification says, in the order in which it was met."""

    def odd(self, what: str) -> None:
        """Note something that no specification says."""
        self.oddities.setdefault(what)


class Refused(Exception):
    """The provider refuses the request. `code` is its own word for why; `body` may quote anything,
    and is to be searched, not shown."""

    def __init__(self, status: int, body: str, retry_after: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.retry_after = retry_after
        error = _object(body).get("error")
        self.code = str(error.get("code") or "") if isinstance(error, dict) else ""


async def ask(client: httpx2.AsyncClient, asking: Asking, messages: Sequence[Message]) -> Heard:
    """Send one request and read all of its answer. Raises `Refused` and `httpx2.HTTPError`."""
    heard = Heard()
    started = time.perf_counter()
    body = asking.body(messages)
    async with client.stream("POST", PATHS[asking.api], json=body) as response:
        if not response.is_success:
            text = (await response.aread())[:_MAX_BYTES].decode(errors="replace")
            raise Refused(response.status_code, text, response.headers.get(RETRY_AFTER, ""))
        if "text/event-stream" in response.headers.get("content-type", ""):
            await _read_stream(asking.api, response, heard, started)
        else:
            heard.streamed = False
            document = _object((await response.aread())[:_MAX_BYTES].decode(errors="replace"))
            _read_whole(asking.api, document, heard)
            heard.first_ms = _since_ms(started)
    if heard.end not in _ENDS:
        heard.odd("an answer has no known end" if heard.end else "an answer does not say its end")
    return heard


async def _read_stream(api: Api, response: httpx2.Response, heard: Heard, started: float) -> None:
    read = _read_responses if api == "responses" else _read_chunk
    size, done, piece_has_words = 0, False, False
    async for event in httpx2.EventSource(response, _MAX_BYTES):
        # Events that are read without another byte having come arrived in one piece.
        if response.num_bytes_downloaded != size:
            size, piece_has_words = response.num_bytes_downloaded, False
        if event.data == "[DONE]":
            done = True
            continue
        deltas, calls = heard.deltas, len(heard.calls)
        document = _object(event.data)
        if not document:
            heard.odd("an event is no JSON object")
        elif document.get("error"):
            raise Refused(response.status_code, event.data)
        else:
            read(document, heard)
        if heard.first_ms is None and (deltas, calls) != (heard.deltas, len(heard.calls)):
            heard.first_ms = _since_ms(started)
        if heard.deltas != deltas and not piece_has_words:
            heard.pieces_ms.append(_since_ms(started))
            piece_has_words = True
    if not done and api == "chat_completions":
        heard.odd("the stream ends without [DONE]")


def _since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _read_chunk(chunk: dict[str, Any], heard: Heard) -> None:
    """Read a `chat.completion.chunk`."""
    if chunk.get("usage"):
        _count(heard, chunk["usage"], "prompt_tokens", "completion_tokens")
    for choice in _list(chunk.get("choices"))[:1]:
        heard.end = _text(choice.get("finish_reason")) or heard.end
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            continue
        _say(heard, delta.get("content"))
        for part in _list(delta.get("tool_calls")):
            function = part.get("function")
            function = function if isinstance(function, dict) else {}
            index = part.get("index")
            if not isinstance(index, int):
                heard.odd("calls have no index")
                index = part.get("id") or (list(heard.calls) or ["0"])[-1]
            call = heard.calls.setdefault(str(index), Call())
            call.id = call.id or _text(part.get("id"))
            call.name = call.name or _text(function.get("name"))
            arguments = function.get("arguments")
            if isinstance(arguments, dict):
                heard.odd("arguments are an object where their JSON text belongs")
                arguments = json.dumps(arguments)
            call.arguments += _text(arguments)


def _read_responses(event: dict[str, Any], heard: Heard) -> None:
    """Read an event of a response's stream."""
    kind = _text(event.get("type"))
    item, response = event.get("item"), event.get("response")
    if kind == "response.output_text.delta":
        _say(heard, event.get("delta"))
    elif kind == "response.output_item.done" and isinstance(item, dict):
        _read_item(item, heard)
    elif kind == "error":
        raise Refused(200, json.dumps({"error": event}))
    elif kind in ("response.completed", "response.incomplete", "response.failed"):
        _read_end(response if isinstance(response, dict) else {}, heard)


def _read_end(response: dict[str, Any], heard: Heard) -> None:
    if response.get("error"):
        raise Refused(200, json.dumps({"error": response["error"]}))
    heard.end = _text(response.get("status"))
    if heard.end == "incomplete":
        details = response.get("incomplete_details")
        reason = _text(details.get("reason")) if isinstance(details, dict) else ""
        heard.end = "length" if reason == "max_output_tokens" else reason
    if response.get("usage"):
        _count(heard, response["usage"], "input_tokens", "output_tokens")


def _read_item(item: dict[str, Any], heard: Heard) -> None:
    if item.get("type") == "function_call":
        heard.calls[str(len(heard.calls))] = Call(
            _text(item.get("call_id")), _text(item.get("name")), _text(item.get("arguments"))
        )


def _read_whole(api: Api, document: dict[str, Any], heard: Heard) -> None:
    """Read an answer that came as one document."""
    if api == "chat_completions":
        _read_chunk(document, heard)
        return
    for item in _list(document.get("output")):
        _read_item(item, heard)
        for part in _list(item.get("content")):
            _say(heard, part.get("text"))
    _read_end(document, heard)


def _say(heard: Heard, words: Any) -> None:
    if isinstance(words, str) and words:
        heard.words += words
        heard.deltas += 1


def _count(heard: Heard, usage: Any, given: str, made: str) -> None:
    counts = usage if isinstance(usage, dict) else {}
    match counts.get(given), counts.get(made):
        case int(read), int(written) if read >= 0 and written >= 0:
            heard.usage = (read, written)
        case _:
            heard.odd("usage is not told in whole numbers")


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
