"""Streams in the shapes that providers have been seen to send, and what each of them says.

A recording has channels: the order within one is the provider's, how they interleave is chance. The
bytes are ours; where a shape comes from stands beside it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

type Document = dict[str, Any]

TOOLS: Final = ("add_ticket", "list_tickets", "close_ticket")
PRINTER: Final = '{"subject": "Printer is out"}'
DOOR: Final = '{"subject": "Door is stuck"}'
SMILE: Final = "\U0001f642"


@dataclass(frozen=True, slots=True)
class Said:
    """What a response says: its messages, the calls with their arguments, how it ended."""

    messages: tuple[str, ...] = ()
    calls: tuple[tuple[str, Any], ...] = ()
    end: str = "completed"
    why: str = ""
    """The reason or code of another end than a good one."""
    usage: tuple[int, int] | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A stream: `head`, the channels in any order between each other, `tail`; then `[DONE]` if
    `is_done`, and the end of the body."""

    name: str
    api: str
    channels: tuple[tuple[Document, ...], ...]
    said: Said
    head: tuple[Document, ...] = ()
    tail: tuple[Document, ...] = ()
    is_done: bool = True
    used_ids: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return self.name


def chunk(delta: Mapping[str, Any] | None = None, end: Any = None, **more: Any) -> Document:
    """A chunk of Chat Completions."""
    choice = {"index": 0, "delta": dict(delta or {}), "finish_reason": end}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def words(*pieces: Any, end: Any = None) -> tuple[Document, ...]:
    """Chunks with words."""
    return tuple(chunk({"content": piece}, end) for piece in pieces)


def call(name: Any = None, arguments: Any = None, **more: Any) -> Document:
    """A chunk with a piece of a call. What is None is left out; `...` stands for null."""
    function = _present(name=name, arguments=arguments)
    return chunk({"tool_calls": [{"function": function, **_present(**more)}]})


def _present(**fields: Any) -> Document:
    return {k: None if v is ... else v for k, v in fields.items() if v is not None}


def usage(sent: Any = 12, received: Any = 5) -> Document:
    """The chunk with the usage, which has no choice."""
    told = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": 17}
    return {**chunk(), "choices": [], "usage": told}


def event(kind: str, **fields: Any) -> Document:
    """An event of the Responses API."""
    return {"type": f"response.{kind}", **fields}


def item_added(place: int, item: Document) -> Document:
    """An item begins."""
    empty: Document = {"content": []} if item["type"] == "message" else {"arguments": ""}
    opened = {**item, **empty, "status": "in_progress"}
    return event("output_item.added", output_index=place, item=opened)


def item_done(place: int, item: Document) -> Document:
    """An item is whole."""
    return event("output_item.done", output_index=place, item=item)


def message(text: str, item_id: str = "msg_1", **part: Any) -> Document:
    """A message that is whole."""
    content = [{"type": "output_text", "text": text, "annotations": [], **part}]
    return {"type": "message", "id": item_id, "role": "assistant", "content": content}


def function_call(name: str, arguments: Any, call_id: Any = "call_1", **more: Any) -> Document:
    """A call that is whole."""
    called = {"name": name, "arguments": arguments, "call_id": call_id}
    return {"type": "function_call", "id": "fc_1", **called, **more}


def text_delta(place: int, piece: str, item_id: str = "msg_1") -> Document:
    """Words of a message."""
    where = {"output_index": place, "item_id": item_id, "content_index": 0}
    return event("output_text.delta", **where, delta=piece)


def spoken(place: int, *pieces: str, item_id: str = "msg_1") -> tuple[Document, ...]:
    """A message from its beginning to its end."""
    whole = message("".join(pieces), item_id)
    deltas = (text_delta(place, piece, item_id) for piece in pieces)
    return (item_added(place, whole), *deltas, item_done(place, whole))


def called(place: int, item: Document, *pieces: str) -> tuple[Document, ...]:
    """A call from its beginning to its end."""
    where = {"output_index": place, "item_id": item.get("id")}
    deltas = (event("function_call_arguments.delta", **where, delta=piece) for piece in pieces)
    return (item_added(place, item), *deltas, item_done(place, item))


def response(*output: Document, status: Any = "completed", **fields: Any) -> Document:
    """A response as its last event has it."""
    told = {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17}
    return {"id": "resp_1", "output": list(output), "status": status, "usage": told, **fields}


def over(*output: Document, kind: str = "completed", **fields: Any) -> Document:
    """The last event of a response."""
    return event(kind, response=response(*output, **fields))


CREATED: Final = event("created", response={"id": "resp_1", "status": "in_progress"})
STOP: Final = (chunk({}, "stop"),)
CALLS: Final = (chunk({}, "tool_calls"),)
HELLO: Final = words("Hello ", "there.")
TOLD: Final = (12, 5)
_PRINTER: Final = ("add_ticket", {"subject": "Printer is out"})
_DOOR: Final = ("add_ticket", {"subject": "Door is stuck"})


def _chat(name: str, *channels: tuple[Document, ...], said: Said, **more: Any) -> Recording:
    return Recording(name, "chat_completions", channels, said, **more)


def _responses(name: str, *channels: tuple[Document, ...], said: Said, **more: Any) -> Recording:
    return Recording(name, "responses", channels, said, head=(CREATED,), **more)


CHAT: Final = (
    _chat("OpenAI, words", HELLO, STOP, (usage(),), said=Said(("Hello there.",), usage=TOLD)),
    _chat(
        "OpenAI, words and two calls",
        HELLO,
        (
            call("add_ticket", "", index=0, id="call_a", type="function"),
            call(None, '{"subject": ', index=0),
            call(None, '"Printer is out"}', index=0),
        ),
        (
            call("add_ticket", "", index=1, id="call_b", type="function"),
            call(None, DOOR, index=1),
        ),
        CALLS,
        (usage(),),
        said=Said(("Hello there.",), (_PRINTER, _DOOR), usage=TOLD),
    ),
    # ollama#7881: no index; the calls come whole.
    _chat(
        "calls without an index",
        HELLO,
        (call("add_ticket", PRINTER, id="c1"), call("add_ticket", DOOR, id="c2")),
        STOP,
        said=Said(("Hello there.",), (_PRINTER, _DOOR)),
    ),
    # ollama#15457, litellm#21331: every call has index 0, arguments in pieces.
    _chat(
        "every call at index 0",
        (
            call("add_ticket", "", index=0, id="c1"),
            call(None, '{"subject": "Prin', index=0),
            call(None, 'ter is out"}', index=0),
            call("add_ticket", "", index=0, id="c2"),
            call(None, '{"subject": "Door', index=0),
            call(None, ' is stuck"}', index=0),
        ),
        CALLS,
        said=Said((), (_PRINTER, _DOOR)),
    ),
    # The same, and without ids: only the arguments tell that another begins.
    _chat(
        "every call at index 0, without ids",
        (
            call("add_ticket", '{"subject": "Printer', index=0, id=...),
            call(None, ' is out"}', index=0),
            call("add_ticket", '{"subject": ', index=0, id=""),
            call(None, '"Door is stuck"}', index=0),
        ),
        CALLS,
        said=Said((), (_PRINTER, _DOOR)),
    ),
    # CLIProxyAPI#5058: several calls in one delta, none with an index.
    _chat(
        "calls together in one delta",
        (
            chunk(
                {
                    "tool_calls": [
                        {"id": "a", "function": {"name": "add_ticket", "arguments": PRINTER}},
                        {"id": "b", "function": {"name": "add_ticket", "arguments": DOOR}},
                    ]
                }
            ),
        ),
        CALLS,
        said=Said((), (_PRINTER, _DOOR)),
    ),
    _chat(
        "the same id twice",
        (call("add_ticket", PRINTER, index=0, id="c1"),),
        (call("add_ticket", DOOR, index=1, id="c1"),),
        CALLS,
        said=Said((), (_PRINTER, _DOOR)),
    ),
    _chat(
        "a late id, and one that changes",
        (
            call("add_ticket", "", index=0),
            call(None, '{"subject": "Printer', index=0, id="c1"),
            call(None, ' is out"}', index=0, id="c7"),
        ),
        CALLS,
        said=Said((), (_PRINTER,)),
    ),
    _chat(
        "the name with each piece",
        (
            call("add_ticket", '{"subject": ', index=0, id="c1"),
            call("add_ticket", '"Printer is out"}', index=0, id="c1"),
            call("add_ticket", "", index=0, id="c1"),
        ),
        CALLS,
        said=Said((), (_PRINTER,)),
    ),
    _chat(
        "the whole call again at the end",
        (
            call("add_ticket", '{"subject": "Printer is out"}', index=0, id="c1"),
            call("add_ticket", '{"subject": "Printer is out"}', index=0, id="c1"),
        ),
        CALLS,
        said=Said((), (_PRINTER,)),
    ),
    _chat(
        "an index that counts the deltas",
        (
            call("add_ticket", '{"subject": ', index=0, id="c1"),
            call(None, '"Printer is out"', index=1, id="c1"),
            call(None, "}", index=2),
        ),
        CALLS,
        said=Said((), (_PRINTER,)),
    ),
    # Bridges from Anthropic's protocol send its empty `input` first.
    _chat(
        "an empty object before the arguments",
        (call("add_ticket", "{}", index=0, id="c1"), call(None, PRINTER, index=0)),
        CALLS,
        said=Said((), (_PRINTER,)),
    ),
    _chat(
        "arguments as an object, and as a text with JSON in it",
        (call("add_ticket", {"subject": "Printer is out"}, index=0, id="c1"),),
        (call("add_ticket", json.dumps(DOOR), index=1, id="c2"),),
        CALLS,
        said=Said((), (_PRINTER, _DOOR)),
    ),
    _chat(
        "no arguments at all",
        (call("list_tickets", ..., index=0, id="c1"),),
        (call("list_tickets", "null", index=1, id="c2"),),
        CALLS,
        said=Said((), (("list_tickets", {}), ("list_tickets", {}))),
    ),
    _chat(
        "arguments that are cut",
        (call("add_ticket", '{"subject": "Printer is', index=0, id="c1"),),
        CALLS,
        said=Said((), (("add_ticket", None),)),
    ),
    # gpt-oss behind vLLM and others: what its template leaves in a name.
    _chat(
        "names with remains of a template",
        (call("functions.add_ticket", PRINTER, index=0, id="functions.add_ticket:0"),),
        (call("list_tickets<|channel|>commentary", "{}", index=1, id="c2"),),
        CALLS,
        said=Said((), (_PRINTER, ("list_tickets", {}))),
    ),
    _chat(
        "a name in pieces, and one that nobody knows",
        (
            call("add_", "", index=0, id="c1"),
            call("ticket", PRINTER, index=0, id="c1"),
        ),
        (call("buy_printer", "{}", index=1, id="c2"),),
        (call(None, "{}", index=2, id="c3"),),
        CALLS,
        said=Said((), (_PRINTER, ("buy_printer", {}), ("unnamed", {}))),
    ),
    _chat(
        "the old function_call",
        (
            chunk({"function_call": {"name": "add_ticket", "arguments": '{"subject": '}}),
            chunk({"function_call": {"arguments": '"Printer is out"}'}}),
        ),
        (chunk({}, "function_call"),),
        said=Said((), (_PRINTER,)),
    ),
    _chat(
        "an emoji over two deltas, half of one, NUL",
        words("Done \ud83d", "\ude42, half \ud83d of", " one, and \x00."),
        STOP,
        said=Said((f"Done {SMILE}, half \ufffd of one, and \ufffd.",)),
    ),
    _chat(
        "half an emoji at the end",
        words("Done ", "\ud83d"),
        STOP,
        said=Said(("Done \ufffd",)),
    ),
    _chat(
        "an emoji over two pieces of arguments",
        (
            call("add_ticket", '{"subject": "Done \ud83d', index=0, id="c1"),
            call(None, '\ude42 \\ud83d \\u0000"}', index=0),
        ),
        CALLS,
        said=Said((), (("add_ticket", {"subject": f"Done {SMILE} \ufffd \ufffd"}),)),
    ),
    # Mistral: words in parts, thinking among them.
    _chat(
        "words in parts",
        (
            chunk(
                {
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                        {"type": "text", "text": "Hello "},
                    ]
                }
            ),
            *words("there."),
        ),
        STOP,
        said=Said(("Hello there.",)),
    ),
    # DeepSeek and others.
    _chat(
        "reasoning before words",
        (chunk({"reasoning_content": "Hm."}), *HELLO),
        STOP,
        (usage(),),
        said=Said(("Hello there.",), usage=TOLD),
    ),
    _chat("nothing but reasoning", (chunk({"reasoning": "Hm."}),), STOP, said=Said()),
    _chat("nothing but white space", words("\n\n", " "), STOP, said=Said()),
    _chat("white space before words", words("\n\n", "Hello"), STOP, said=Said(("\n\nHello",))),
    _chat(
        "a refusal",
        (chunk({"refusal": "I can"}), chunk({"refusal": "not."})),
        STOP,
        said=Said(("I cannot.",)),
    ),
    _chat(
        "sources",
        (
            *HELLO,
            chunk({"annotations": [{"type": "url_citation", "url_citation": {"url": 7}}]}),
            chunk(
                {
                    "annotations": [
                        {"type": "url_citation", "url_citation": {"url": "https://e.example"}}
                    ]
                }
            ),
        ),
        STOP,
        said=Said(("Hello there.",), sources=("https://e.example",)),
    ),
    # Gateways that buffer: the whole message in the last chunk, behind its deltas or alone.
    _chat(
        "the message again at the end",
        HELLO,
        tail=({**chunk(), "choices": [{"message": {"content": "Hello there."}}]}, *STOP),
        said=Said(("Hello there.",)),
    ),
    _chat(
        "the message at the end alone",
        tail=(
            {
                "id": "c",
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "content": "Hello there.",
                            "tool_calls": [
                                {
                                    "id": "c1",
                                    "function": {"name": "add_ticket", "arguments": PRINTER},
                                }
                            ],
                        },
                        "finish_reason": "tool_calls",
                    }
                ],
                "usage": {"prompt_tokens": 12, "completion_tokens": 5},
            },
        ),
        is_done=False,
        said=Said(("Hello there.",), (_PRINTER,), usage=TOLD),
    ),
    # vLLM with some parsers, xAI's early API: `[DONE]` and no `finish_reason`.
    _chat("no finish_reason", HELLO, said=Said(("Hello there.",))),
    _chat(
        "a finish_reason on each chunk that says nothing",
        words("Hello ", "there.", end=""),
        (chunk({}, None),),
        said=Said(("Hello there.",)),
    ),
    _chat("no [DONE]", HELLO, STOP, is_done=False, said=Said(("Hello there.",))),
    _chat(
        "neither",
        words("Hello ", "there.", end=""),
        is_done=False,
        said=Said(("Hello there.",), end="failed", why="stream_broken"),
    ),
    _chat("nothing at all", is_done=False, said=Said(end="failed", why="stream_broken")),
    _chat(
        "its greatest length, within a call",
        HELLO,
        (call("add_ticket", '{"subject": "Prin', index=0, id="c1"),),
        (chunk({}, "MAX_TOKENS"),),
        said=Said(("Hello there.",), (("add_ticket", None),), "incomplete", "max_output_tokens"),
    ),
    _chat(
        "its filter",
        (chunk({}, "SAFETY"),),
        said=Said(end="incomplete", why="content_filter"),
    ),
    _chat(
        "an end that is no good",
        HELLO,
        (chunk({}, "insufficient_system_resource"),),
        said=Said(("Hello there.",), end="failed", why="server_error"),
    ),
    # OpenRouter: an error in place of a chunk.
    _chat(
        "an error behind words",
        HELLO,
        tail=({"error": {"code": "rate_limit_exceeded", "message": "Slow down."}},),
        said=Said(("Hello there.",), end="failed", why="rate_limit_exceeded"),
    ),
    # vLLM: the error itself in place of a chunk.
    _chat(
        "an error that is not wrapped",
        tail=({"object": "error", "message": "Out of memory.", "code": 500},),
        said=Said(end="failed", why="500"),
    ),
    _chat(
        "usage in a choice, as text and fraction",
        HELLO,
        ({"choices": [{"usage": {"prompt_tokens": "12", "completion_tokens": 4.5}}]},),
        STOP,
        said=Said(("Hello there.",), usage=TOLD),
    ),
    _chat(
        "usage that cannot be",
        HELLO,
        STOP,
        (usage(9_999_999_999, 5), usage(-1, 5), usage(12, None), {**chunk(), "usage": "many"}),
        said=Said(("Hello there.",)),
    ),
    _chat(
        "no index, null for lists, another choice",
        (
            {"choices": [{"delta": {"content": "Hello ", "tool_calls": None}}]},
            {"choices": [{"index": 1, "delta": {"content": "Nobody asked."}}]},
            {"choices": [{"delta": {"content": "there."}, "finish_reason": None}]},
        ),
        ({"choices": None}, {"choices": [{"delta": None, "finish_reason": "stop"}]}),
        said=Said(("Hello there.",)),
    ),
    _chat(
        "an id that the run has seen",
        (call("add_ticket", PRINTER, index=0, id="call_0"),),
        CALLS,
        used_ids=frozenset({"call_0"}),
        said=Said((), (_PRINTER,)),
    ),
)

TICKET: Final = function_call("add_ticket", PRINTER)
_OTHER: Final = function_call("add_ticket", DOOR, "call_2", id="fc_2")
_REASONING: Final = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "..."}

RESPONSES: Final = (
    _responses(
        "OpenAI, reasoning, words and two calls",
        (item_done(0, _REASONING),),
        spoken(1, "Hello ", "there."),
        called(2, TICKET, '{"subject": ', '"Printer is out"}'),
        called(3, _OTHER, DOOR),
        tail=(over(_REASONING, message("Hello there."), TICKET, _OTHER),),
        said=Said(("Hello there.",), (_PRINTER, _DOOR), usage=TOLD),
    ),
    _responses(
        "two messages",
        (*spoken(0, "Let me ", "look."), *spoken(1, "Hello ", "there.", item_id="msg_2")),
        tail=(over(message("Let me look."), message("Hello there.", "msg_2")),),
        said=Said(("Let me look.", "Hello there."), usage=TOLD),
    ),
    _responses(
        "the same id for both messages",
        (*spoken(0, "Let me ", "look."), *spoken(1, "Hello ", "there.")),
        tail=(over(message("Let me look."), message("Hello there.")),),
        said=Said(("Let me look.", "Hello there."), usage=TOLD),
    ),
    _responses(
        "deltas alone",
        (text_delta(0, "Hello "), text_delta(0, "there.")),
        tail=(over(),),
        said=Said(("Hello there.",), usage=TOLD),
    ),
    # LiteLLM's bridge and others that buffer.
    _responses(
        "text in the last event alone",
        tail=(over(message("Hello there."), TICKET),),
        said=Said(("Hello there.",), (_PRINTER,), usage=TOLD),
    ),
    _responses(
        "text in the item alone",
        (item_added(0, message("")), item_done(0, message("Hello there."))),
        tail=(over(),),
        said=Said(("Hello there.",), usage=TOLD),
    ),
    _responses(
        "the rest of the text in the last event",
        (item_added(0, message("")), text_delta(0, "Hello \ud83d")),
        tail=(over(message(f"Hello {SMILE} there.")),),
        said=Said((f"Hello {SMILE} there.",), usage=TOLD),
    ),
    _responses(
        "an output that leaves items out",
        spoken(1, "Hello ", "there."),
        called(2, TICKET, PRINTER),
        tail=(over(TICKET),),
        said=Said(("Hello there.",), (_PRINTER,), usage=TOLD),
    ),
    _responses(
        "calls without ids, and with the same",
        called(0, function_call("add_ticket", PRINTER, "same")),
        called(1, function_call("add_ticket", DOOR, "same")),
        called(2, function_call("list_tickets", {}, "")),
        tail=(
            over(
                function_call("add_ticket", PRINTER, "same"),
                function_call("add_ticket", DOOR, "same"),
                function_call("list_tickets", {}, ""),
            ),
        ),
        said=Said((), (_PRINTER, _DOOR, ("list_tickets", {})), usage=TOLD),
    ),
    _responses(
        "no output_index",
        tuple(
            {key: value for key, value in told.items() if key != "output_index"}
            for told in (*spoken(0, "Hello ", "there."), *called(1, TICKET, PRINTER))
        ),
        tail=(over(message("Hello there."), TICKET),),
        said=Said(("Hello there.",), (_PRINTER,), usage=TOLD),
    ),
    _responses(
        "[DONE] in place of the last event",
        spoken(0, "Hello ", "there."),
        said=Said(("Hello there.",)),
    ),
    _responses(
        "neither",
        spoken(0, "Hello ", "there."),
        is_done=False,
        said=Said(("Hello there.",), end="failed", why="stream_broken"),
    ),
    _responses(
        "incomplete by its status alone",
        spoken(0, "Hello ", "th"),
        tail=(over(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),),
        said=Said(("Hello th",), end="incomplete", why="max_output_tokens", usage=TOLD),
    ),
    _responses(
        "incomplete for no reason",
        spoken(0, "Hello ", "th"),
        tail=(over(kind="incomplete", status="incomplete"),),
        said=Said(("Hello th",), end="failed", why="server_error", usage=TOLD),
    ),
    _responses(
        "failed",
        spoken(0, "Hello ", "th"),
        tail=(over(kind="failed", status="failed", error={"code": "rate_limit_exceeded"}),),
        said=Said(("Hello th",), end="failed", why="rate_limit_exceeded", usage=TOLD),
    ),
    _responses(
        "cancelled",
        tail=(over(kind="cancelled", status="cancelled", usage=None),),
        said=Said(end="failed", why="server_error"),
    ),
    _responses(
        "an error",
        tail=({"type": "error", "code": None, "message": "Boom."},),
        said=Said(end="failed", why="server_error"),
    ),
    _responses(
        "keep-alives and events that nobody knows",
        ({"type": "keepalive"}, event("heartbeat"), event("weird.delta", delta="Nobody asked.")),
        spoken(0, "Hello ", "there."),
        tail=(over(message("Hello there.")),),
        said=Said(("Hello there.",), usage=TOLD),
    ),
    _responses("no output", tail=(over(),), said=Said(usage=TOLD)),
    _responses("nothing but reasoning", tail=(over(_REASONING),), said=Said(usage=TOLD)),
    _responses("an empty message", tail=(over(message("")),), said=Said(usage=TOLD)),
    _responses(
        "a refusal",
        (
            event("refusal.delta", output_index=0, content_index=0, delta="I can"),
            event("refusal.delta", output_index=0, content_index=0, delta="not."),
            event("refusal.done", output_index=0, content_index=0, refusal="I cannot."),
        ),
        tail=(over(),),
        said=Said(("I cannot.",), usage=TOLD),
    ),
    _responses(
        "sources, told twice",
        (
            *spoken(0, "Hello ", "there.")[:-1],
            event(
                "output_text.annotation.added",
                output_index=0,
                content_index=0,
                annotation={"type": "url_citation", "url": "https://e.example", "end_index": 5},
            ),
        ),
        tail=(
            over(
                message(
                    "Hello there.",
                    annotations=[
                        {"type": "url_citation", "url": "https://e.example", "end_index": 5}
                    ],
                )
            ),
        ),
        said=Said(("Hello there.",), usage=TOLD, sources=("https://e.example",)),
    ),
    _responses(
        "a bridge that gives every item the index 0, and no output at the end",
        (
            *spoken(0, "Hello there."),
            *called(0, TICKET, PRINTER),
            *spoken(0, "It is done.", item_id="msg_2"),
            *called(0, function_call("add_ticket", DOOR, "call_2", id="fc_2"), DOOR),
        ),
        said=Said(("Hello there.", "It is done."), (_PRINTER, _DOOR), usage=TOLD),
        tail=(over(),),
    ),
    _responses(
        "a call without an index, whose item has another id with each event",
        (
            event("output_item.added", item=function_call("add_ticket", "", id="fc_a")),
            event("output_item.done", item=function_call("add_ticket", PRINTER, id="fc_b")),
        ),
        said=Said((), (_PRINTER,), usage=TOLD),
        tail=(over(),),
    ),
    Recording(
        "a response as one document",
        "responses",
        (),
        Said(("Hello there.",), (_PRINTER,), usage=TOLD),
        tail=({"object": "response", **response(message("Hello there."), TICKET)},),
        is_done=False,
    ),
)

ALL: Final = (*CHAT, *RESPONSES)
