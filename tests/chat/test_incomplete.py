"""The mark of an answer that is not whole: stored and streamed alike, for each client to read."""

import json
from datetime import UTC, datetime

import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    EntitySource,
)
from pydantic import TypeAdapter

from sidestream.chat.incomplete import FIELD, Incomplete, mark, note_of, reason_of
from sidestream.i18n import locales
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step
from sidestream.local.model.errors import of_status
from tests.chat.client import Client, create_request, delta_of, thread_request, words
from tests.chat.conftest import MakePerson
from tests.chat.endings import endings
from tests.chat.fold import comparable, fold
from tests.chat.test_stop import STORY, stop
from tests.tickets import opening

_MESSAGE: TypeAdapter[AssistantMessageItem] = TypeAdapter(AssistantMessageItem)


def a_message(*texts: str) -> AssistantMessageItem:
    return AssistantMessageItem(
        id="msg_1",
        thread_id="thr_1",
        created_at=datetime.now(UTC),
        content=[AssistantMessageContent(text=text) for text in texts],
    )


@pytest.mark.parametrize("reason", Incomplete)
@pytest.mark.parametrize("texts", [(), ("one",), ("one", "دو")])
def test_a_mark_is_read_back(reason: Incomplete, texts: tuple[str, ...]) -> None:
    message = a_message(*texts)
    assert reason_of(message) is None
    assert note_of(message) is None
    titles = set()
    for locale in locales():
        marked = message.model_copy(deep=True)
        source = mark(marked, reason, locale).source
        assert words(marked) == "".join(texts)
        again = _MESSAGE.validate_json(marked.model_dump_json())
        assert reason_of(again) == reason
        assert note_of(again)
        titles.add(source.title)
    assert len(titles) == len(locales())


def test_a_reason_of_a_newer_release_is_one() -> None:
    message = a_message("one")
    source = mark(message, Incomplete.ERROR, "en").source
    assert isinstance(source, EntitySource)
    source.data[FIELD] = "hiccup"
    assert reason_of(message) == "hiccup"
    assert note_of(message)


async def test_what_is_streamed_is_what_is_kept(
    person: MakePerson, model: ScriptedModelServer
) -> None:
    """And it is in the person's language."""
    someone = person(language="ur")
    model.hold(after_words=4)
    async with someone.stream(create_request(STORY)) as stream:
        seen = [await stream.until(lambda frame: frame.type == "thread.created")]
        await model.until(lambda: model.held_streams == 1)
        await stop(someone, stream.thread_id)
        seen += await stream.rest()
        thread_id = stream.thread_id
    model.release()
    items = await someone.items(thread_id)
    assert fold(seen).texts() == [comparable(item) for item in items]
    assert (await someone.get(thread_id)).items.data == items
    message = items[-1]
    assert isinstance(message, AssistantMessageItem)
    [annotation] = message.content[-1].annotations
    assert annotation.source.title == "یہاں روک دیا گیا"
    assert annotation.index == len(words(message))

    retried = await someone.send(
        thread_request("threads.retry_after_item", thread_id, item_id=items[0].id)
    )
    assert not retried.errors
    assert endings(await someone.items(thread_id)) == []


async def test_words_that_were_whole_before_a_failure(
    alice: Client, model: ScriptedModelServer
) -> None:
    """The model spoke and called a tool, and could not be asked again: the end of it says so."""
    model.play(Step(text="Let me see.", calls=(*opening("printer"),)))
    model.refuse_next(of_status(401), after=1)
    answer = await alice.create("hello")
    items = await alice.items(answer.thread_id)
    assert fold(answer.frames).texts() == [comparable(item) for item in items]
    assert [item.type for item in items][1:] == [
        "assistant_message",
        "workflow",
        "assistant_message",
    ]
    assert endings(items) == endings(items[-1:]) == ["error"]


async def test_plain_streams_tell_it_at_their_end(
    person: MakePerson, model: ScriptedModelServer
) -> None:
    someone = person()
    model.cut_next(4)
    cut, whole = [
        await someone.post({"message": text}, path=f"/api/{someone.user_id}/chat")
        for text in (STORY, "hello")
    ]
    for answer, expected in ((cut, {"incomplete": "error"}), (whole, {})):
        last = json.loads(answer.body.decode().strip().splitlines()[-1].removeprefix("data: "))
        assert last["type"] == "done"
        assert {name: last[name] for name in last.keys() & {"incomplete"}} == expected


async def test_a_whole_answer_has_no_mark(alice: Client) -> None:
    answer = await alice.create("hello")
    assert any(delta_of(frame) for frame in answer.frames)
    assert endings(await alice.items(answer.thread_id)) == []
