"""Whatever a provider sends, in whichever order and pieces: the same is said."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseFailedEvent,
    ResponseFunctionToolCall,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputTextAnnotationAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
)

from sidestream.chat.model import normalise
from sidestream.chat.model.normalise import Reading
from sidestream.chat.tools.arguments import read
from sidestream.visible import is_visible
from tests.chat.normalise.recordings import ALL, CHAT, Document, Recording, Said, chunk, words

MAX_CHUNK_BYTES = 60
LINE_ENDS = ("\n", "\r\n", "\r")
KEEP_ALIVES = ("", ": ping{end}{end}", "data: {end}{end}", "event: ping{end}{end}")


def reading_of(recording: Recording) -> Reading:
    """A reading of a recording's API."""
    begin = normalise.completions if recording.api == "chat_completions" else normalise.responses
    return begin({"add_ticket", "list_tickets", "close_ticket"}, recording.used_ids)


def merged(recording: Recording, chosen: Sequence[int]) -> list[Document]:
    """The documents of a recording, its channels interleaved as chosen."""
    left = [list(channel) for channel in recording.channels if channel]
    documents: list[Document] = list(recording.head)
    for choice in chosen:
        if not left:
            break
        channel = left[choice % len(left)]
        documents.append(channel.pop(0))
        if not channel:
            left.remove(channel)
    for channel in left:
        documents += channel
    return [*documents, *recording.tail]


def body_of(
    documents: Sequence[Document], *, is_done: bool, end: str = "\n", between: str = ""
) -> bytes:
    """The bytes of a stream. Halves of surrogate pairs are escaped, as JSON can."""
    frames = [f"data: {json.dumps(document)}{end}{end}" for document in documents]
    if is_done:
        frames.append(f"data: [DONE]{end}{end}")
    return between.format(end=end).join(["", *frames]).encode()


def pieces(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The body in pieces of some sizes; the last of them takes the rest."""
    for size in sizes:
        yield body[:size]
        body = body[size:]
    yield body


def events_of(reading: Reading, chunks: Iterator[bytes]) -> list[ResponseStreamEvent]:
    """All events of a body."""
    events: list[ResponseStreamEvent] = []
    for piece in chunks:
        events += reading.feed(piece)
    return [*events, *reading.close()]


def heard(events: Sequence[ResponseStreamEvent]) -> Said:
    """What events say, by their deltas. Fails where they contradict each other."""
    texts: dict[str, str] = {}
    announced: dict[str, str] = {}
    done: list[str] = []
    sources: list[str] = []
    for event in events[:-1]:
        match event:
            case ResponseOutputItemAddedEvent(item=ResponseOutputMessage() as item):
                assert item.id not in texts
                assert list(texts) == done, "one message speaks at a time"
                texts[item.id] = ""
            case ResponseOutputItemAddedEvent(item=ResponseFunctionToolCall() as called):
                assert called.call_id not in announced
                announced[called.call_id] = called.name
            case ResponseTextDeltaEvent() | ResponseRefusalDeltaEvent():
                assert event.delta
                texts[event.item_id] += event.delta
            case ResponseOutputTextAnnotationAddedEvent():
                sources.append(event.annotation.url)  # type: ignore[union-attr]
            case ResponseOutputItemDoneEvent(item=ResponseOutputMessage() as item):
                done.append(item.id)
                assert texts[item.id] == _text(item)
            case ResponseCompletedEvent() | ResponseIncompleteEvent() | ResponseFailedEvent():
                raise AssertionError("there is more than one end")
    last = events[-1]
    assert isinstance(last, ResponseCompletedEvent | ResponseIncompleteEvent | ResponseFailedEvent)
    whole = last.response
    calls = [item for item in whole.output if isinstance(item, ResponseFunctionToolCall)]
    assert {call.call_id: call.name for call in calls} == announced
    assert [item.id for item in whole.output if isinstance(item, ResponseOutputMessage)] == done
    why = ""
    if isinstance(last, ResponseFailedEvent):
        assert whole.error is not None
        why = str(whole.error.code)
    elif whole.incomplete_details is not None:
        why = str(whole.incomplete_details.reason)
    usage = whole.usage
    told = (usage.input_tokens, usage.output_tokens) if usage is not None else None
    return Said(
        tuple(texts.values()),
        tuple((call.name, _arguments(call)) for call in calls),
        last.type.removeprefix("response."),
        why,
        told,
        tuple(sources),
    )


def _text(item: ResponseOutputMessage) -> str:
    return "".join(p.text if p.type == "output_text" else p.refusal for p in item.content)


def _arguments(call: ResponseFunctionToolCall) -> Any:
    json.loads(call.arguments)
    call.arguments.encode()
    try:
        return read(call.arguments)
    except ValueError:
        return None


@pytest.mark.parametrize("recording", ALL, ids=str)
def test_what_is_said(recording: Recording) -> None:
    body = body_of(merged(recording, ()), is_done=recording.is_done)
    assert heard(events_of(reading_of(recording), pieces(body, ()))) == recording.said


@pytest.mark.parametrize("recording", ALL, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_order_and_pieces_change_nothing(recording: Recording, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, 5), max_size=12), "channels")
    end = data.draw(st.sampled_from(LINE_ENDS), "line ends")
    between = data.draw(st.sampled_from(KEEP_ALIVES), "keep-alives")
    sizes = data.draw(st.lists(st.integers(1, MAX_CHUNK_BYTES), max_size=80), "pieces")
    documents = merged(recording, chosen)
    body = body_of(documents, is_done=recording.is_done, end=end, between=between)
    said = heard(events_of(reading_of(recording), pieces(body, sizes)))
    assert sorted(said.calls, key=str) == sorted(recording.said.calls, key=str)
    same_order = Said(
        said.messages, recording.said.calls, said.end, said.why, said.usage, said.sources
    )
    assert same_order == recording.said


@settings(max_examples=60)
@given(
    text=st.text(st.characters(codec=None), max_size=30),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_any_text_in_any_deltas(text: str, cuts: list[int]) -> None:
    """In units of UTF-16, in which providers cut."""
    units = text.encode("utf-16-le", "surrogatepass")
    places = sorted({0, len(units), *(2 * cut for cut in cuts if 2 * cut < len(units))})
    deltas = [
        units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(places)
    ]
    body = body_of([*words(*deltas), chunk({}, "stop")], is_done=True)
    said = heard(events_of(normalise.completions(), pieces(body, ())))
    whole = units.decode("utf-16-le", "replace").replace("\x00", "\ufffd")
    assert "".join(said.messages) in (whole, "")
    assert bool(said.messages) is is_visible(whole)


@settings(max_examples=300)
@given(body=st.binary(max_size=80) | st.text(max_size=60).map(str.encode))
def test_no_bytes_are_too_odd(body: bytes) -> None:
    assume(b"[DONE]" not in body)  # which is an end, whatever stands beside it
    for begin in (normalise.completions, normalise.responses):
        for prefix in (b"", b"data: ", b'data: {"choices": [{"delta": {"content": "'):
            said = heard(events_of(begin(), iter([prefix + body])))
            assert said.end == "failed"


FIELDS = (
    *("choices", "delta", "content", "tool_calls", "function", "name", "arguments", "id", "index"),
    *("finish_reason", "usage", "error", "message", "type", "response", "output", "item", "status"),
    *("output_index", "annotations", "reasoning_details"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(document=st.dictionaries(st.sampled_from(["choices", "usage", "error", "response"]), JSON))
def test_no_document_is_too_odd(document: Document) -> None:
    """Whatever stands where something else belongs: there is one end, and what follows is heard."""
    for begin in (normalise.completions, normalise.responses):
        for kind in ("", "response.completed", "response.output_item.done", "error"):
            told = {**document, **({"type": kind} if kind else {})}
            heard(events_of(begin(), iter([body_of([told], is_done=True)])))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"data: {oops\n\n", id="no JSON"),
        pytest.param(b"data: [1]\n\n", id="no object"),
        pytest.param(b'data: {"a":' + b"[" * 100_000 + b"\n\n", id="too deep"),
        pytest.param(b"<html>Bad gateway</html>\n", id="a page"),
    ],
)
def test_what_came_before_nonsense_is_kept(body: bytes) -> None:
    before = body_of(words("Hello ", "there."), is_done=False)
    said = heard(events_of(normalise.completions(), iter([before, body, before])))
    if body.startswith(b"<"):
        assert said.messages == ("Hello there.Hello there.",)
    else:
        assert said.messages == ("Hello there.",)
    assert (said.end, said.why) == ("failed", "stream_broken")


def test_an_event_has_a_greatest_length() -> None:
    reading = normalise.completions()
    events = [event for _ in range(33) for event in reading.feed(b"data: " + b"x" * 600_000)]
    assert reading.over
    assert heard(events).why == "stream_broken"


def test_long_arguments_in_many_pieces() -> None:
    """Each piece is looked at alone: to look at all of them each time takes a minute here."""
    deltas = [
        {"index": 0, "id": "call_a", "function": {"name": "add_ticket", "arguments": '{"a": "'}},
        *[{"index": 0, "function": {"arguments": "all"}}] * 20_000,
        {"index": 0, "function": {"arguments": '"}'}},
    ]
    body = body_of([chunk({"tool_calls": [delta]}) for delta in deltas], is_done=True)
    [called] = heard(events_of(normalise.completions({"add_ticket"}), iter([body]))).calls
    assert called == ("add_ticket", {"a": "all" * 20_000})


def test_bytes_that_are_no_text_are_replaced() -> None:
    body = b'data: {"choices": [{"delta": {"content": "Hi \xff\xfe."}, "finish_reason": "stop"}]}'
    assert heard(events_of(normalise.completions(), iter([body]))).messages == ("Hi \ufffd\ufffd.",)


def test_documents_in_the_lines_of_one_event() -> None:
    lines = (json.dumps(document) for document in (*words("Hello ", "there."), chunk({}, "stop")))
    body = "".join(f"data: {line}\n" for line in lines).encode()
    assert heard(events_of(normalise.completions(), iter([body]))).messages == ("Hello there.",)


def test_a_connection_that_breaks_behind_the_end_breaks_nothing() -> None:
    reading = normalise.completions()
    events = reading.feed(body_of([*words("Hello"), chunk({}, "stop")], is_done=False))
    assert heard([*events, *reading.broken("stream_lost")]) == Said(("Hello",))


def test_a_connection_that_breaks_before_the_end() -> None:
    reading = normalise.completions()
    events = reading.feed(body_of(words("Hello"), is_done=False))
    assert heard([*events, *reading.broken("stream_lost")]) == Said(
        ("Hello",), end="failed", why="stream_lost"
    )


def test_nothing_is_given_twice() -> None:
    reading = normalise.completions()
    body = body_of([*words("Hello"), chunk({}, "stop")], is_done=True)
    assert heard(reading.feed(body)) == Said(("Hello",))
    assert reading.over
    assert [*reading.feed(body), *reading.close(), *reading.broken("stream_lost")] == []


def test_ids_of_the_run_are_not_given_again() -> None:
    """The agent takes a call with an id that it knows for one that it has made."""
    recording = next(r for r in CHAT if r.used_ids)
    body = body_of(merged(recording, ()), is_done=True)
    [call] = events_of(reading_of(recording), iter([body]))[-1].response.output  # type: ignore[union-attr]
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.call_id not in recording.used_ids
    assert len(call.call_id) == 9
