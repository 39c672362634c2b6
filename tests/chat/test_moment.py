"""When it is for the person, as the model is told: by a clock that a test sets."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from chatkit.types import HiddenContextItem, ThreadItem

from sidestream.chat.model.moment import told, words
from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step, ToolRequest
from sidestream.local.system import LocalSystem
from sidestream.store.codec import aware_utc
from sidestream.store.ids import new_id
from sidestream.time_zone import UTC_ZONE, time_zone
from tests.chat.client import Client, thread_request
from tests.chat.conftest import MakePerson, under_uvicorn
from tests.chat.every_item import every_item
from tests.chat.mcp_servers import Stranger, at, tool

TWO_IN_THE_MORNING = datetime(2026, 11, 26, 21, 5, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment", "said"),
    [
        ("Asia/Karachi", TWO_IN_THE_MORNING, "Friday, 27 November 2026, 02:05 (UTC+05:00)"),
        ("UTC", TWO_IN_THE_MORNING, "Thursday, 26 November 2026, 21:05 (UTC+00:00)"),
        ("Asia/Kathmandu", TWO_IN_THE_MORNING, "Friday, 27 November 2026, 02:50 (UTC+05:45)"),
        ("America/New_York", TWO_IN_THE_MORNING, "Thursday, 26 November 2026, 16:05 (UTC-05:00)"),
        (
            "Pacific/Kiritimati",
            datetime(2026, 12, 31, 10, 30, tzinfo=UTC),
            "Friday, 01 January 2027, 00:30 (UTC+14:00)",
        ),
        (
            "Pacific/Pago_Pago",
            datetime(2027, 1, 1, 10, 30, tzinfo=UTC),
            "Thursday, 31 December 2026, 23:30 (UTC-11:00)",
        ),
        # A minute before clocks skip an hour, and at it; the hour that comes twice.
        (
            "America/New_York",
            datetime(2026, 3, 8, 6, 59, tzinfo=UTC),
            "Sunday, 08 March 2026, 01:59 (UTC-05:00)",
        ),
        (
            "America/New_York",
            datetime(2026, 3, 8, 7, 0, tzinfo=UTC),
            "Sunday, 08 March 2026, 03:00 (UTC-04:00)",
        ),
        (
            "America/New_York",
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            "Sunday, 01 November 2026, 01:30 (UTC-04:00)",
        ),
        (
            "America/New_York",
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
            "Sunday, 01 November 2026, 01:30 (UTC-05:00)",
        ),
    ],
)
def test_it_is_what_a_clock_there_shows(zone: str, moment: datetime, said: str) -> None:
    assert words(moment, time_zone(zone)) == f"The person's clock: {said}."


def test_each_message_keeps_its_time_and_one_that_is_old_is_answered_now() -> None:
    items = every_item()
    said = aware_utc(items[0].created_at)
    for minutes, last in ((1, said), (6, said + timedelta(minutes=6))):
        with_notes = told(items, said + timedelta(minutes=minutes), UTC_ZONE)
        found = [
            item.content["text"]
            for item, following in pairwise(with_notes)
            if following.type == "user_message" and isinstance(item, HiddenContextItem)
        ]
        assert found == [words(said, UTC_ZONE), words(last, UTC_ZONE)]
        assert [item for item in with_notes if item.thread_id] == items
    silent: list[ThreadItem] = [item for item in items if item.type != "user_message"]
    note, *rest = told(silent, TWO_IN_THE_MORNING, UTC_ZONE)
    assert isinstance(note, HiddenContextItem)
    assert rest == silent


def notes(model: ScriptedModelServer, request: int = -1) -> list[str]:
    """The notes in a request to the model, in their order."""
    found = []
    for item in model.requests[request].body["input"]:
        for part in item.get("content") or ():
            words = part.get("text", "") if isinstance(part, dict) else ""
            found += [words] if words.startswith("<note>") else []
    return found


async def test_the_model_is_told_with_each_message(
    person: MakePerson, model: ScriptedModelServer
) -> None:
    alice = person()
    alice.http.headers["x-sidestream-time-zone"] = "Pacific/Kiritimati"
    before = datetime.now(UTC)
    answer = await alice.create("hello")
    possible = {
        words(moment, time_zone("Pacific/Kiritimati"))
        for moment in (before, before + timedelta(minutes=1), datetime.now(UTC))
    }
    [note] = notes(model)
    assert note.removeprefix("<note>").removesuffix("</note>") in possible
    assert "Pacific/Kiritimati" in model.requests[-1].body["instructions"]
    alice.http.headers["x-sidestream-time-zone"] = "America/New_York"
    await alice.add(answer.thread_id, "hello again")
    assert len(notes(model)) == 2
    assert all("(UTC-0" in note for note in notes(model))
    assert "America/New_York" in model.requests[-1].body["instructions"]


async def test_what_was_said_stays_the_same_for_a_cache(
    alice: Client, model: ScriptedModelServer
) -> None:
    answer = await alice.create("one")
    await alice.add(answer.thread_id, "two")
    second = model.requests[-1].body
    await alice.add(answer.thread_id, "three")
    third = model.requests[-1].body
    assert second["instructions"] == third["instructions"]
    assert second["input"] == third["input"][: len(second["input"])]


@pytest.mark.parametrize("named", ["Atlantis/Centre", "", "../../etc/passwd", "x" * 3000, "\xff"])
async def test_a_name_that_is_none_loses_no_message(
    person: MakePerson, model: ScriptedModelServer, named: str
) -> None:
    alice = person()
    headers = {"x-sidestream-time-zone": named.encode("latin-1")}
    body = {
        "type": "threads.create",
        "params": {"input": {"content": [{"type": "input_text", "text": "hi"}]}},
    }
    body["params"]["input"] |= {"attachments": [], "inference_options": {}}  # type: ignore[index]
    answer = await alice.http.post("/api/chatkit", json=body, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "time zone is UTC" in model.requests[-1].body["instructions"]


async def test_an_answer_that_is_given_again_is_given_where_the_person_is(
    person: MakePerson, model: ScriptedModelServer
) -> None:
    alice = person()
    answer = await alice.create("hello")
    [said] = [item for item in await alice.items(answer.thread_id) if item.type == "user_message"]
    alice.http.headers["x-sidestream-time-zone"] = "Asia/Kathmandu"
    retry = thread_request("threads.retry_after_item", answer.thread_id, item_id=said.id)
    assert (await alice.send(retry)).errors == []
    assert len(notes(model)) == 1
    assert "(UTC+05:45)" in notes(model)[0]


async def test_another_server_is_not_told_where_the_person_is(
    system: LocalSystem, chat_settings: ChatSettings, model: ScriptedModelServer
) -> None:
    def answer(message: dict[str, Any]) -> dict[str, Any]:
        if message["method"] == "tools/list":
            return {"tools": [tool("look")]}
        return {"content": [{"type": "text", "text": "Seen."}]}

    stranger = Stranger(answer)
    async with at(stranger) as url:
        entry = [{"name": "far", "url": url, "ask": "never"}]
        settings = type(chat_settings).model_validate(
            chat_settings.model_dump() | {"mcp_servers": entry}
        )
        async with (
            under_uvicorn(settings) as chat,
            Client(chat.url, system.token(new_id("user"))) as carol,
        ):
            carol.http.headers["x-sidestream-time-zone"] = "Asia/Karachi"
            model.play(Step(calls=(ToolRequest("far__look", {}),)), Step(text="Done."))
            await carol.create("look")
    called = [message for message in stranger.messages if message["method"] == "tools/call"]
    assert len(called) == 1
    assert "Karachi" not in str(stranger.messages)
