"""Every request type of ChatKit's protocol, end to end, and what each implies.

Streams of runs, widgets, questions and attachments have modules of their own; this one has the
rest, and `test_every_type_is_served` for all of them at once.
"""

import base64
import inspect
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import pytest
from chatkit.agents import ThreadItemConverter
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ChatKitReq,
    ClientToolCallItem,
    ErrorEvent,
    HiddenContextItem,
    Page,
    Thread,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    ThreadUpdatedEvent,
    TranscriptionResult,
    UserMessageItem,
)
from pydantic import HttpUrl, SecretStr, TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sidestream.caller import Caller
from sidestream.config import ChatSettings
from sidestream.local.system import LocalSystem
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.store.threads import PostgresStore
from tests.asgi_server import serve
from tests.chat.catalogue import every_request
from tests.chat.client import (
    Answer,
    Client,
    Document,
    add_request,
    create_request,
    thread_request,
)
from tests.chat.conftest import MakePerson, Rows, under_uvicorn
from tests.chat.fold import Screen, fold
from tests.tickets import open_all

PROJECT = Path(__file__).parents[2]


def sent(system: LocalSystem, back: int = 1) -> Document:
    """A request to the model, counted from the last."""
    return system.model.requests[-back].body


def texts(body: Document) -> list[str]:
    """What the model was told in the user's name."""
    return [
        part["text"]
        for item in body["input"]
        if item.get("role") == "user"
        for part in item["content"]
        if part["type"] == "input_text"
    ]


def user_message(answer: Answer) -> UserMessageItem:
    [message] = answer.done(UserMessageItem)
    return message


async def set_status(rows: Rows, thread_id: str, status: str) -> None:
    await rows(
        "update threads set data = jsonb_set(data::jsonb, '{status}', jsonb_build_object("
        "'type', %s::text, 'reason', 'over')) where id = %s returning id",
        status,
        thread_id,
    )


async def test_every_type_is_served(alice: Client) -> None:
    union = get_args(get_args(ChatKitReq)[0])
    types = {kind.model_fields["type"].default for kind in union}
    assert len(types) == 16
    answer = await alice.create("hello")
    item_id = user_message(answer).id
    requests = every_request(answer.thread_id, item_id)
    assert {request["type"] for request in requests} == types
    for request in requests:
        if request["type"] == "threads.delete":
            continue
        got = await alice.send(request)
        if got.status != 200:
            assert got.problem["code"] in {"invalid", "conflict", "not_found", "not_configured"}
    gone = await alice.send(thread_request("threads.delete", answer.thread_id))
    assert gone.json() == {}


class TestCreate:
    async def test_thread_message_and_answer(self, alice: Client) -> None:
        answer = await alice.create("hello")
        created = answer.frames[0]
        assert isinstance(created, ThreadCreatedEvent)
        assert created.thread.id == answer.thread_id
        assert created.thread.title == "hello"
        assert created.thread.created_at.tzinfo is not None
        assert user_message(answer).created_at.tzinfo is not None
        assert answer.text
        thread = await alice.get(answer.thread_id)
        assert (thread.title, thread.status.type) == ("hello", "active")

    @pytest.mark.parametrize(
        ("said", "title"),
        [
            ("the printer\nand login", "the printer"),
            ("\n\n  the   printer  ", "the printer"),
            (" ".join(["word"] * 30), " ".join(["word"] * 11) + "…"),
            ("دودھ لانا ہے", "دودھ لانا ہے"),
        ],
    )
    async def test_titles(self, alice: Client, said: str, title: str) -> None:
        answer = await alice.create(said)
        assert (await alice.get(answer.thread_id)).title == title
        assert len(title) <= 60

    async def test_ids_are_long(self, alice: Client) -> None:
        answer = await alice.create("hello")
        ids = [
            answer.thread_id,
            answer.run_id,
            *(i.id for i in await alice.items(answer.thread_id)),
        ]
        assert all(len(id.split("_", 1)[1]) >= 26 for id in ids)
        assert len(set(ids)) == len(ids)


class TestMessage:
    async def test_quoted_text_is_told_now_and_later(
        self, system: LocalSystem, alice: Client
    ) -> None:
        first = await alice.create("hello")
        quoting = add_request(first.thread_id, "what is this", quoted_text="the dark side")
        answer = await alice.send(quoting)
        assert user_message(answer).quoted_text == "the dark side"
        assert any("the dark side" in text for text in texts(sent(system)))
        await alice.add(first.thread_id, "hello again")
        assert any("the dark side" in text for text in texts(sent(system)))

    async def test_tags_are_told(self, system: LocalSystem, alice: Client) -> None:
        tag = {
            "type": "input_tag",
            "id": "tck_7",
            "text": "printer",
            "data": {},
            "interactive": False,
        }
        text = {"type": "input_text", "text": "what about "}
        answer = await alice.send(create_request("", content=[text, tag]))
        assert answer.errors == []
        told = texts(sent(system))
        assert "what about @printer" in told
        assert any("id: tck_7" in text for text in told)

    async def test_a_model_that_is_offered(
        self, system: LocalSystem, alice: Client, chat_settings: ChatSettings
    ) -> None:
        settings = chat_settings.model_copy(update={"models": ("other-model",)})
        async with under_uvicorn(settings) as chat, Client(chat.url, alice.token) as client:
            other = create_request("hello", inference_options={"model": "other-model"})
            answer = await client.send(other)
            assert sent(system)["model"] == "other-model"
            assert user_message(answer).inference_options.model == "other-model"
            await client.add(answer.thread_id, "hello")
            assert sent(system)["model"] == settings.model

    async def test_a_model_that_is_not(self, system: LocalSystem, alice: Client) -> None:
        before = len(system.model.requests)
        request = create_request("hello", inference_options={"model": "gpt-expensive"})
        refused = await alice.send(request)
        assert refused.problem["detail"] == "This model is not offered here."
        assert (refused.status, len(system.model.requests)) == (422, before)

    async def test_a_tool_that_is_chosen(self, system: LocalSystem, alice: Client) -> None:
        options = {"tool_choice": {"id": "add_ticket"}}
        answer = await alice.send(create_request(open_all("printer"), inference_options=options))
        assert answer.errors == []
        assert sent(system, 2)["tool_choice"] == {"type": "function", "name": "add_ticket"}
        assert sent(system, 1).get("tool_choice") in (None, "auto")

    async def test_a_tool_that_there_is_not(self, alice: Client) -> None:
        options = {"tool_choice": {"id": "rm_rf"}}
        refused = await alice.send(create_request("x", inference_options=options))
        assert refused.problem["detail"] == "This tool is not offered here."

    async def test_length(self, alice: Client, person: MakePerson) -> None:
        refused = await alice.create("x" * 8001)
        assert (refused.status, refused.problem["code"]) == (413, "too_large")
        assert "8000" in refused.problem["detail"]
        both = create_request("x" * 5000, quoted_text="y" * 5000)
        assert (await alice.send(both)).status == 413
        for extra in ({"id": "i" * 8001}, {"data": {"number": "x" * 8001}}):
            tag = {"type": "input_tag", "id": "i", "text": "t", "data": {}, **extra}
            refused = await alice.send(create_request("", content=[tag]))
            assert (refused.status, refused.problem["code"]) == (413, "too_large")
        empty = await person(alice.user_id, language="ur").create(" \n ")
        assert empty.problem["detail"] == "پیغام میں کچھ متن یا کوئی فائل ہونی چاہیے۔"


class TestRetry:
    async def test_a_new_answer_takes_the_place_of_the_old_one(
        self, alice: Client, rows: Rows
    ) -> None:
        first = await alice.create(open_all("printer"))
        retried = await alice.send(
            thread_request(
                "threads.retry_after_item", first.thread_id, item_id=user_message(first).id
            )
        )
        screen = fold(retried.frames, fold(first.frames))
        saved = await alice.items(first.thread_id)
        assert screen.texts() == Screen(items=tuple(saved)).texts()
        assert [item.type for item in saved] == ["user_message", "workflow", "assistant_message"]
        # The hidden items of the old answer went too, and no client heard of them.
        hidden = await rows(
            "select id from thread_items where thread_id = %s and type = 'hidden_context_item'",
            first.thread_id,
        )
        assert len(hidden) == 1

    async def test_an_old_message_beyond_what_a_turn_loads(self, alice: Client, rows: Rows) -> None:
        first = await alice.create("hello")
        message = user_message(first)
        await rows(
            "insert into thread_items (thread_id, id, user_id, type, created_at, data) "
            "select i.thread_id, 'msg_' || n, i.user_id, i.type, i.created_at, "
            "jsonb_set(i.data::jsonb, '{id}', to_jsonb('msg_' || n)) "
            "from thread_items i, generate_series(1, 60) n where i.id = %s returning id",
            message.id,
        )
        request = thread_request("threads.retry_after_item", first.thread_id, item_id=message.id)
        retried = await alice.send(request)
        assert retried.errors == []
        saved = await alice.items(first.thread_id)
        assert [item.type for item in saved] == ["user_message", "assistant_message"]

    async def test_only_messages_of_the_user(self, alice: Client, bob: Client) -> None:
        answer = await alice.create("hello")
        [said] = answer.done(AssistantMessageItem)
        for item_id, status in ((said.id, 422), ("msg_nowhere", 404)):
            request = thread_request("threads.retry_after_item", answer.thread_id, item_id=item_id)
            assert (await alice.send(request)).status == status
        request = thread_request(
            "threads.retry_after_item", answer.thread_id, item_id=user_message(answer).id
        )
        assert (await bob.send(request)).status == 404


class TestClientToolOutput:
    """Our agent has no client tools; a product that gives it one finds the way open."""

    async def _call(self, database: Database, client: Client, thread_id: str) -> ClientToolCallItem:
        call = ClientToolCallItem(
            id=new_id("tc"),
            thread_id=thread_id,
            created_at=datetime.now(UTC),
            call_id="call_1",
            name="get_location",
            arguments={"exact": True},
        )
        await PostgresStore(database).add_thread_item(thread_id, call, Caller(client.user_id))
        return call

    async def test_the_turn_goes_on(
        self, system: LocalSystem, alice: Client, database: Database
    ) -> None:
        thread_id = (await alice.create("hello")).thread_id
        call = await self._call(database, alice, thread_id)
        request = thread_request(
            "threads.add_client_tool_output", thread_id, result={"city": "Lahore"}
        )
        answer = await alice.send(request, idempotency_key="tool-1")
        assert answer.errors == []
        assert answer.text
        [saved] = [i for i in await alice.items(thread_id) if isinstance(i, ClientToolCallItem)]
        assert (saved.id, saved.status, saved.output) == (
            call.id,
            "completed",
            {"city": "Lahore"},
        )
        told = json.dumps(sent(system)["input"])
        assert "Lahore" in told
        again = await alice.send(request, idempotency_key="tool-1")
        assert again.body == answer.body
        late = await alice.send(request)
        assert (late.status, late.problem["code"]) == (409, "conflict")

    async def test_nothing_waits(self, alice: Client, bob: Client) -> None:
        thread_id = (await alice.create("hello")).thread_id
        request = thread_request("threads.add_client_tool_output", thread_id, result=1)
        refused = await alice.send(request)
        assert (refused.status, refused.problem["code"]) == (409, "conflict")
        assert (await bob.send(request)).status == 404


class TestReading:
    async def test_pages_of_threads(self, alice: Client, bob: Client) -> None:
        made = [(await alice.create(f"hello {n}")).thread_id for n in range(3)]
        await bob.create("mine")
        assert [thread.id for thread in await alice.threads()] == made[::-1]
        adapter = TypeAdapter(Page[Thread])
        for limit, size in ((-5, 1), (0, 1), (1, 1), (2, 2), (100, 3), (100_000, 3)):
            answer = await alice.send({"type": "threads.list", "params": {"limit": limit}})
            page = adapter.validate_json(answer.body)
            assert (len(page.data), page.has_more) == (size, size < 3), limit
            assert (page.after is not None) == (size < 3)
        request = {"type": "threads.list", "params": {"order": "asc", "after": made[0]}}
        page = adapter.validate_json((await alice.send(request)).body)
        assert [thread.id for thread in page.data] == made[1:]

    async def test_the_rest_of_a_list_whose_last_row_is_gone(self, alice: Client) -> None:
        made = [(await alice.create(f"hello {n}")).thread_id for n in range(4)]
        adapter = TypeAdapter(Page[Thread])
        first = adapter.validate_json(
            (await alice.send({"type": "threads.list", "params": {"limit": 2}})).body
        )
        await alice.send(thread_request("threads.delete", made[2]))
        await alice.add(made[3], "hello again")
        request = {"type": "threads.list", "params": {"after": first.after}}
        rest = adapter.validate_json((await alice.send(request)).body)
        shown = [thread.id for thread in [*first.data, *rest.data]]
        assert shown == made[::-1]
        assert first.after
        for after in (first.after[:-1], first.after.swapcase(), "cur_", made[2], "thr_none"):
            request = {"type": "threads.list", "params": {"after": after}}
            refused = await alice.send(request)
            assert (refused.status, refused.problem["code"]) == (422, "unknown_cursor"), after
        request = thread_request("items.list", made[3], after=first.after)
        refused = await alice.send(request)
        assert (refused.status, refused.problem["code"]) == (422, "unknown_cursor")

    async def test_pages_of_items(self, alice: Client, rows: Rows) -> None:
        answer = await alice.create("hello")
        await rows(
            "insert into thread_items (thread_id, id, user_id, type, created_at, data) "
            "select i.thread_id, 'msg_' || n, i.user_id, i.type, i.created_at, "
            "jsonb_set(i.data::jsonb, '{id}', to_jsonb('msg_' || n)) "
            "from thread_items i, generate_series(1, 150) n "
            "where i.thread_id = %s and i.type = 'user_message' returning id",
            answer.thread_id,
        )
        all_items = [item.id for item in await alice.items(answer.thread_id)]
        assert len(all_items) == len(set(all_items)) == 152
        for limit, size in ((-5, 1), (0, 1), (7, 7), (100_000, 100), (None, 20)):
            params = {"order": "asc"} | ({} if limit is None else {"limit": limit})
            got = await alice.send(thread_request("items.list", answer.thread_id, **params))
            assert [item["id"] for item in got.json()["data"]] == all_items[:size], limit
        down = thread_request("items.list", answer.thread_id, limit=3, after=all_items[10])
        data = (await alice.send(down)).json()["data"]
        assert [item["id"] for item in data] == all_items[9:6:-1]

    async def test_first_page_and_the_rest(self, alice: Client) -> None:
        thread_id = (await alice.create(open_all("printer"))).thread_id
        for n in range(10):
            await alice.add(thread_id, f"hello {n}")
        thread = await alice.get(thread_id)
        assert thread.items.has_more
        rest = await alice.send(
            thread_request(
                "items.list", thread_id, order="asc", after=thread.items.after, limit=100
            )
        )
        ids = [item.id for item in thread.items.data] + [i["id"] for i in rest.json()["data"]]
        assert ids == [item.id for item in await alice.items(thread_id)]

    async def test_hidden_items_stay_hidden(self, alice: Client) -> None:
        answer = await alice.create(open_all("printer"))
        assert b"hidden_context" not in answer.body
        got = await alice.send(thread_request("items.list", answer.thread_id))
        assert b"hidden_context" not in got.body
        got = await alice.send(thread_request("threads.get_by_id", answer.thread_id))
        assert b"hidden_context" not in got.body

    async def test_what_is_not_ones_own(self, alice: Client, bob: Client) -> None:
        answer = await alice.create("hello")
        message = user_message(answer)
        own = (await bob.create("hello")).thread_id
        for request in (
            thread_request("threads.get_by_id", answer.thread_id),
            thread_request("items.list", answer.thread_id),
            thread_request("threads.update", answer.thread_id, title="mine"),
            thread_request(
                "items.feedback", answer.thread_id, item_ids=[message.id], kind="positive"
            ),
            add_request(answer.thread_id, "hello"),
        ):
            refused = await bob.send(request)
            assert (refused.status, refused.problem["code"]) == (404, "not_found"), request
        for request in (
            thread_request("items.list", own, after=message.id),
            {"type": "threads.list", "params": {"after": answer.thread_id}},
        ):
            refused = await bob.send(request)
            assert (refused.status, refused.problem["code"]) == (422, "unknown_cursor"), request
        assert (await alice.get(answer.thread_id)).title == "hello"


class TestChanging:
    async def test_rename(self, alice: Client) -> None:
        thread_id = (await alice.create("hello")).thread_id
        request = thread_request("threads.update", thread_id, title="  Shopping ")
        renamed = Thread.model_validate_json((await alice.send(request)).body)
        assert (renamed.id, renamed.title) == (thread_id, "Shopping")
        await alice.add(thread_id, "hello")
        assert (await alice.get(thread_id)).title == "Shopping"
        for title in ("", "   ", "x" * 201):
            refused = await alice.send(thread_request("threads.update", thread_id, title=title))
            assert (refused.status, refused.problem["code"]) == (422, "invalid")

    async def test_delete(self, alice: Client, bob: Client) -> None:
        thread_id = (await alice.create("hello")).thread_id
        delete = thread_request("threads.delete", thread_id)
        assert (await bob.send(delete)).json() == {}
        assert (await alice.get(thread_id)).id == thread_id
        assert (await alice.send(delete)).json() == {}
        assert (await alice.send(delete)).json() == {}
        assert (await alice.send(thread_request("threads.get_by_id", thread_id))).status == 404
        assert (await alice.send(thread_request("items.list", thread_id))).status == 404
        assert (await alice.add(thread_id, "hello")).status == 404
        assert await alice.threads() == []

    async def test_feedback_is_kept(self, alice: Client, rows: Rows) -> None:
        answer = await alice.create("hello")
        [said] = answer.done(AssistantMessageItem)

        async def send(kind: str, *item_ids: str) -> Answer:
            return await alice.send(
                thread_request(
                    "items.feedback", answer.thread_id, item_ids=list(item_ids), kind=kind
                )
            )

        async def kept() -> list[tuple[str, str]]:
            found = await rows(
                "select item_id, kind from feedback where thread_id = %s", answer.thread_id
            )
            return [(row["item_id"], row["kind"]) for row in found]

        assert (await send("positive", said.id)).json() == {}
        assert await kept() == [(said.id, "positive")]
        assert (await send("negative", said.id, said.id)).json() == {}
        assert await kept() == [(said.id, "negative")]
        assert (await send("positive", said.id, "msg_nowhere")).status == 404
        assert (await send("positive")).status == 422
        assert await kept() == [(said.id, "negative")]

    @pytest.mark.parametrize("status", ["locked", "closed"])
    async def test_a_thread_that_takes_no_more(
        self, system: LocalSystem, alice: Client, rows: Rows, status: str
    ) -> None:
        answer = await alice.create("hello")
        before = await alice.items(answer.thread_id)
        await set_status(rows, answer.thread_id, status)
        asked = len(system.model.requests)
        for request in (
            add_request(answer.thread_id, "hello"),
            thread_request(
                "threads.retry_after_item", answer.thread_id, item_id=user_message(answer).id
            ),
        ):
            refused = await alice.send(request)
            assert (refused.status, refused.problem["code"]) == (409, "thread_locked")
        assert len(system.model.requests) == asked
        thread = await alice.get(answer.thread_id)
        assert thread.status.type == status
        assert await alice.items(answer.thread_id) == before
        renamed = await alice.send(
            thread_request("threads.update", answer.thread_id, title="Done with")
        )
        assert renamed.json()["status"] == {"type": status, "reason": "over"}


class TestDictation:
    """Speech goes to an OpenAI-compatible transcription, or the answer says why not."""

    SPEECH = b"\x1aE\xdf\xa3" + bytes(200)

    def _request(self, audio: bytes, mime_type: str = "audio/webm;codecs=opus") -> Document:
        encoded = base64.b64encode(audio).decode()
        return {
            "type": "input.transcribe",
            "params": {"audio_base64": encoded, "mime_type": mime_type},
        }

    @asynccontextmanager
    async def _dictation(
        self, settings: ChatSettings, token: str, status: int = 200, **changes: Any
    ) -> AsyncIterator[tuple[Client, list[dict[str, Any]]]]:
        heard: list[dict[str, Any]] = []

        async def transcribe(request: Request) -> JSONResponse:
            async with request.form() as form:
                file = form["file"]
                assert not isinstance(file, str)
                heard.append(
                    {
                        "authorization": request.headers["authorization"],
                        "model": form["model"],
                        "name": file.filename,
                        "type": file.content_type,
                        "audio": await file.read(),
                    }
                )
            if status != 200:
                return JSONResponse({"error": {"message": "no", "code": "bad"}}, status)
            return JSONResponse({"text": "دودھ لے آؤ"})

        route = Route("/v1/audio/transcriptions", transcribe, methods=["POST"])
        async with serve(Starlette(routes=[route])) as url:
            update = {
                "openai_base_url": HttpUrl(f"{url}/v1"),
                "openai_api_key": SecretStr("sk-test"),
                "transcription_model": ChatSettings.model_fields["transcription_model"].default,
                "model_max_retries": 0,
            }
            async with (
                under_uvicorn(settings.model_copy(update=update | changes)) as chat,
                Client(chat.url, token) as client,
            ):
                yield client, heard

    async def test_words_come_back(self, alice: Client, chat_settings: ChatSettings) -> None:
        async with self._dictation(chat_settings, alice.token) as (client, heard):
            answer = await client.send(self._request(self.SPEECH))
        assert TranscriptionResult.model_validate_json(answer.body).text == "دودھ لے آؤ"
        assert heard == [
            {
                "authorization": "Bearer sk-test",
                "model": "gpt-4o-mini-transcribe",
                "name": "speech.webm",
                "type": "audio/webm",
                "audio": self.SPEECH,
            }
        ]

    async def test_what_is_no_recording(self, alice: Client, chat_settings: ChatSettings) -> None:
        async with self._dictation(chat_settings, alice.token) as (client, heard):
            wrong_type = await client.send(self._request(b"x", "audio/wav"))
            empty = await client.send(self._request(b""))
            params = {"audio_base64": "not base64!", "mime_type": "audio/webm"}
            garbled = await client.send({"type": "input.transcribe", "params": params})
        assert (wrong_type.status, wrong_type.problem["code"]) == (415, "unsupported_media")
        assert empty.problem["detail"] == "The recording is empty."
        assert garbled.problem["detail"] == "The recording is not valid base64."
        assert heard == []

    @pytest.mark.parametrize(
        ("status", "code"),
        [(400, "invalid"), (401, "bad_gateway"), (404, "not_configured"), (500, "bad_gateway")],
    )
    async def test_the_service_fails(
        self, alice: Client, chat_settings: ChatSettings, status: int, code: str
    ) -> None:
        async with self._dictation(chat_settings, alice.token, status) as (client, _heard):
            answer = await client.send(self._request(self.SPEECH))
        assert answer.problem["code"] == code

    @pytest.mark.parametrize(
        "missing", [{"openai_api_key": SecretStr("")}, {"transcription_model": "none"}]
    )
    async def test_without_a_key_or_a_model_it_says_so(
        self, person: MakePerson, chat_settings: ChatSettings, rows: Rows, missing: dict[str, Any]
    ) -> None:
        token = person().token
        async with self._dictation(chat_settings, token, **missing) as (client, heard):
            headers = {"accept-language": "ur"}
            answer = await client.post(self._request(self.SPEECH), headers=headers)
            health = (await client.request("GET", "/api/chatkit/health")).json()
        assert (answer.status, answer.problem["code"]) == (501, "not_configured")
        assert answer.problem["detail"] == "بول کر لکھوانے کی سہولت یہاں فعال نہیں ہے۔"
        assert not health["dictation"]
        assert heard == []
        assert await self._counted(rows, client) == 0

    async def test_health_announces_it(self, alice: Client, chat_settings: ChatSettings) -> None:
        async with self._dictation(chat_settings, alice.token) as (client, _heard):
            assert (await client.request("GET", "/api/chatkit/health")).json()["dictation"]

    async def test_requests_per_minute(
        self, alice: Client, chat_settings: ChatSettings, rows: Rows
    ) -> None:
        limit = {"requests_per_minute": 2}
        async with self._dictation(chat_settings, alice.token, **limit) as (client, heard):
            # A minute may turn over in between, but not twice.
            answers = [await client.send(self._request(self.SPEECH)) for _ in range(6)]
            granted = [answer for answer in answers if answer.status == 200]
            assert 2 <= len(granted) == len(heard) == await self._counted(rows, client) <= 4
            refused = next(answer for answer in answers if answer.status != 200)
            assert (refused.status, refused.problem["code"]) == (429, "rate_limited")
            assert 1 <= int(refused.headers["retry-after"]) <= 60

    async def test_messages_and_dictations_share_the_limit(
        self, alice: Client, chat_settings: ChatSettings, rows: Rows
    ) -> None:
        await rows(
            "insert into usage_minutes (user_id, minute, requests) "
            "select %s, date_trunc('minute', now()) + n * interval '1 minute', 2 "
            "from generate_series(0, 1) as n returning user_id",
            alice.user_id,
        )
        limit = {"requests_per_minute": 3}
        async with self._dictation(chat_settings, alice.token, **limit) as (client, heard):
            wrong_type = await client.send(self._request(b"x", "audio/wav"))
            assert wrong_type.status == 415
            statuses = [(await client.send(self._request(self.SPEECH))).status for _ in range(2)]
            assert statuses == [200, 429]
            assert (await client.create("hello")).status == 429
        assert len(heard) == 1

    async def test_tokens_per_day(
        self, alice: Client, chat_settings: ChatSettings, rows: Rows
    ) -> None:
        await rows(
            "insert into usage_days (user_id, day, tokens) "
            "select %s, (now() at time zone 'UTC')::date + n, 10 "
            "from generate_series(0, 1) as n returning user_id",
            alice.user_id,
        )
        limit = {"tokens_per_day": 10}
        async with self._dictation(chat_settings, alice.token, **limit) as (client, heard):
            refused = await client.send(self._request(self.SPEECH))
        assert (refused.status, refused.problem["detail"]) == (429, "Today's limit is reached.")
        assert 1 <= int(refused.headers["retry-after"]) <= 86_400
        assert heard == []

    async def _counted(self, rows: Rows, client: Client) -> int:
        [row] = await rows(
            "select coalesce(sum(requests), 0)::int as counted from usage_minutes "
            "where user_id = %s",
            client.user_id,
        )
        return int(row["counted"])


class TestLanguage:
    async def test_tools_errors_and_problems_are_urdu(
        self, system: LocalSystem, person: MakePerson
    ) -> None:
        client = person(language="ur-PK,ur;q=0.9,en;q=0.8")
        answer = await client.create(open_all("پرنٹر", answer="ہو گیا۔"))
        [workflow] = [
            item for item in await client.items(answer.thread_id) if "workflow" in item.type
        ]
        document = workflow.model_dump(mode="json", exclude_none=True)["workflow"]
        assert document["tasks"][0]["title"] == "ٹکٹ کھولیں"
        assert document["summary"]["title"] == "1 ٹول استعمال ہوا"
        system.model.content_filter_next()
        [error] = (await client.add(answer.thread_id, "ہیلو")).errors
        assert error.message is not None
        assert error.message.startswith("ماڈل کے مواد کے فلٹر نے")
        missing = await client.send(thread_request("threads.get_by_id", "thr_nowhere"))
        assert missing.problem["title"] == "نہیں ملا"
        assert missing.headers["content-language"] == "ur"
        nowhere = await client.request("GET", "/api/nowhere")
        assert nowhere.problem["detail"] == "اس پتے پر کچھ نہیں ہے۔"

    async def test_unsigned_requests_are_urdu_too(self, person: MakePerson) -> None:
        headers = {"authorization": "Bearer nonsense", "accept-language": "ur"}
        refused = await person().post({"type": "threads.list", "params": {}}, headers=headers)
        assert (refused.status, refused.problem["title"]) == (401, "درست ٹوکن درکار ہے")

    async def test_anything_else_is_english(self, person: MakePerson) -> None:
        for language in ("en-US", "de", "*", ";q=;;"):
            refused = await person(language=language).create("")
            assert refused.problem["title"] == "The request is not valid"
            assert refused.headers["content-language"] == "en"


class _Server(ChatKitServer[Caller]):
    def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        raise NotImplementedError


class TestTheSdk:
    """The private parts of ChatKit's SDK that we build on still do what we think they do."""

    def test_the_version_is_pinned(self) -> None:
        pins = (PROJECT / "layers/chat/requirements.in").read_text(encoding="utf-8").split()
        assert f"openai-chatkit=={version('openai-chatkit')}" in pins

    def test_the_private_methods_are_there(self) -> None:
        expected = {
            (ChatKitServer, "_process_events"): ["self", "thread", "context", "stream"],
            (ChatKitServer, "_process_non_streaming"): ["self", "request", "context"],
            (ChatKitServer, "_load_full_thread"): ["self", "thread_id", "context"],
            (ChatKitServer, "_to_thread_response"): ["self", "thread"],
            (ChatKitServer, "_paginate_thread_items_reverse"): ["self", "thread_id", "context"],
            (ChatKitServer, "_serialize"): ["self", "obj"],
            (ThreadItemConverter, "user_message_to_input"): ["self", "item", "is_last_message"],
        }
        for (owner, name), parameters in expected.items():
            assert list(inspect.signature(getattr(owner, name)).parameters) == parameters, name

    async def _run(
        self, store: PostgresStore, caller: Caller, *events: ThreadStreamEvent | Exception
    ) -> list[ThreadStreamEvent]:
        thread = ThreadMetadata(id="thr_" + caller.user_id, created_at=datetime.now(UTC))
        await store.save_thread(thread, caller)

        async def stream() -> AsyncIterator[ThreadStreamEvent]:
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

        server = _Server(store)
        return [event async for event in server._process_events(thread, caller, stream)]

    async def test_what_is_saved_and_what_is_sent(self, database: Database, caller: Caller) -> None:
        store, thread_id = PostgresStore(database), "thr_" + caller.user_id
        common: dict[str, Any] = {"thread_id": thread_id, "created_at": datetime.now(UTC)}
        said = AssistantMessageItem(id="m", content=[], **common)
        gone = AssistantMessageItem(id="g", content=[], **common)
        better = AssistantMessageItem(
            id="m", content=[AssistantMessageContent(text="better")], **common
        )
        events = await self._run(
            store,
            caller,
            ThreadItemAddedEvent(item=gone.model_copy(update={"id": "never done"})),
            ThreadItemDoneEvent(item=said),
            ThreadItemDoneEvent(item=gone),
            ThreadItemDoneEvent(item=HiddenContextItem(id="h", content="x", **common)),
            ThreadItemReplacedEvent(item=better),
            ThreadItemRemovedEvent(item_id="g"),
        )
        page = await store.load_thread_items(thread_id, None, 10, "asc", caller)
        assert [item.id for item in page.data] == ["m", "h"]
        assert isinstance(page.data[0], AssistantMessageItem)
        assert page.data[0].content == better.content
        assert [event.type for event in events] == [
            "stream_options",
            "thread.item.added",
            "thread.item.done",
            "thread.item.done",
            "thread.item.replaced",
            "thread.item.removed",
        ]

    async def test_an_exception_becomes_an_error_event(
        self, database: Database, caller: Caller
    ) -> None:
        events = await self._run(PostgresStore(database), caller, RuntimeError("secret"))
        [error] = [event for event in events if isinstance(event, ErrorEvent)]
        assert error.allow_retry
        assert "secret" not in error.model_dump_json()

    def test_threads_are_sent_without_their_metadata(self, database: Database) -> None:
        thread = ThreadMetadata(id="t", created_at=datetime.now(UTC), metadata={"secret": 1})
        sent_thread = _Server(PostgresStore(database))._to_thread_response(thread)
        assert "secret" not in ThreadUpdatedEvent(thread=sent_thread).model_dump_json()
