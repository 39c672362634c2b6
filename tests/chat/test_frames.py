"""Frames: ChatKit's events as bytes."""

from datetime import UTC, datetime, timedelta, timezone

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ErrorEvent,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadCreatedEvent,
    ThreadItemDoneEvent,
)

from sidestream.chat.protocol.frames import Frame, encode
from tests.chat.client import event_of

_NAIVE = datetime(2026, 11, 21, 3, 30)  # noqa: DTZ001 - items keep naive UTC


def _item(created_at: datetime = _NAIVE, text: str = "hi") -> AssistantMessageItem:
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(
        id="msg_1", thread_id="thr_1", created_at=created_at, content=content
    )


def _thread() -> Thread:
    return Thread(id="thr_1", created_at=_NAIVE, items=Page(data=[_item()]))


def test_naive_times_are_utc() -> None:
    zulu = '"created_at":"2026-11-21T03:30:00Z"'
    assert encode(ThreadItemDoneEvent(item=_item())).count(zulu) == 1
    assert encode(ThreadCreatedEvent(thread=_thread())).count(zulu) == 2
    assert encode(Page(data=[_thread(), _thread()])).count(zulu) == 4
    assert encode(SyncCustomActionResponse()) == "{}"


def test_aware_times_keep_their_moment() -> None:
    lahore = timezone(timedelta(hours=5))
    for moment in (_NAIVE.replace(tzinfo=UTC), datetime(2026, 11, 21, 8, 30, tzinfo=lahore)):
        event = event_of(b"data: " + encode(ThreadItemDoneEvent(item=_item(moment))).encode())
        assert isinstance(event, ThreadItemDoneEvent)
        assert event.item.created_at == moment


def test_what_is_none_is_left_out() -> None:
    assert (
        encode(ErrorEvent(code="custom")) == '{"type":"error","code":"custom","allow_retry":false}'
    )


def test_frame_is_a_number_and_one_line_however_many_the_text_has() -> None:
    for text in ("a\nb\r\n\r\nc", "\u2028\u2029\x85\x0b", "data: x\n\n", "دودھ\n🙂"):
        event = ThreadItemDoneEvent(item=_item(text=text))
        sent = Frame(7, encode(event)).sse()
        number, line, *end = sent.decode().splitlines()
        assert number == "id: 7"
        assert end == [""]
        assert sent.count(b"\n") == 3
        assert b"\r" not in sent
        received = event_of(line.encode())
        assert isinstance(received, ThreadItemDoneEvent)
        assert isinstance(received.item, AssistantMessageItem)
        assert received.item.content[0].text == text
