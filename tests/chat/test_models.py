"""Both APIs of a model, end to end, and each way in which a model lets a person down."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from chatkit.types import AssistantMessageItem, NoticeEvent, StructuredInputItem, WorkflowItem

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from sidestream.local.model.conversation import Step
from sidestream.local.model.errors import ApiError
from tests.chat.client import Client, words
from tests.chat.conftest import MakePerson, Rows, TicketList, UvicornChat, under_uvicorn
from tests.chat.endings import endings
from tests.chat.fold import comparable, fold
from tests.chat.steps import rows_shown, the_widget
from tests.tickets import SHOW, change, deleting, open_all, opening

STORY = "Tell me a story of 60 words"
APIS = ["responses", "chat_completions"]
RETRIES = 1

QUOTA = ApiError(429, "You exceeded your current quota.", code="insufficient_quota")
TOO_LONG = ApiError(400, "This model's maximum context length is 4096 tokens. However, ...")

type Break = Callable[[ScriptedModelServer], None]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=APIS)
async def chat(
    request: pytest.FixtureRequest, chat_settings: ChatSettings
) -> AsyncIterator[UvicornChat]:
    """The chat on one of the two APIs."""
    update = {"model_api": request.param, "model_max_retries": RETRIES}
    async with under_uvicorn(chat_settings.model_copy(update=update)) as running:
        yield running


@pytest_asyncio.fixture
async def client(chat: UvicornChat, person: MakePerson) -> AsyncIterator[Client]:
    async with Client(chat.url, person().token) as someone:
        yield someone


async def test_turns_with_tools_and_words(
    chat: UvicornChat, client: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    """Chat Completions models give all messages one id; here each has its own."""
    created = await client.create(open_all("printer", "login"))
    [first, _] = await tickets(client)
    second = await client.add(created.thread_id, change(first["id"], status="pending"))
    third = await client.add(created.thread_id, STORY)
    for answer in (created, second, third):
        assert not answer.errors
    path = model.requests[-1].path
    assert path.endswith(
        "/responses" if chat.services.settings.model_api == "responses" else "/chat/completions"
    )
    assert len(third.deltas) == 60
    assert "".join(third.deltas) == third.text
    items = await client.items(created.thread_id)
    assert [item.type for item in items].count("assistant_message") == 3
    assert len({item.id for item in items}) == len(items)
    assert not [item.id for item in items if "fake" in item.id]
    [added, done] = [item for item in items if isinstance(item, WorkflowItem)]
    assert [task.status_indicator for task in added.workflow.tasks] == ["complete"] * 2
    assert done.workflow.tasks
    states = {ticket["subject"]: ticket["status"] for ticket in await tickets(client)}
    assert states == {"printer": "pending", "login": "open"}


async def test_words_between_the_calls(
    client: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    """Deletions with words in between are gathered: nothing goes before the question."""
    await client.create(open_all("printer", "login"))
    for ticket in await tickets(client):
        model.play(Step(text="One goes.", calls=(*deleting(ticket["id"]),)))
    answer = await client.create("tidy up")
    assert answer.errors == []
    assert len(answer.done(StructuredInputItem)) == 1
    assert len(await tickets(client)) == 2
    saved = await client.items(answer.thread_id)
    assert saved == answer.done(object)


@pytest.mark.parametrize(
    ("broken", "code", "allow_retry", "requests", "kept_words"),
    [
        pytest.param(lambda m: m.fail_next(401), "model_unauthorized", False, 1, 0, id="401"),
        pytest.param(lambda m: m.fail_next(404), "model_not_found", False, 1, 0, id="404"),
        pytest.param(lambda m: m.fail_next(429, 2), "model_rate_limited", True, 2, 0, id="429"),
        pytest.param(
            lambda m: m.fail_next(429, retry_after=60), "model_rate_limited", True, 1, 0, id="wait"
        ),
        pytest.param(lambda m: m.refuse_next(QUOTA), "model_quota", False, 1, 0, id="quota"),
        pytest.param(lambda m: m.fail_next(500, 2), "model_unavailable", True, 2, 0, id="500"),
        pytest.param(lambda m: m.fail_next(503, 2), "model_unavailable", True, 2, 0, id="503"),
        pytest.param(lambda m: m.fail_next(400), "model_rejected", False, 1, 0, id="400"),
        pytest.param(lambda m: m.fail_next(422), "model_rejected", False, 1, 0, id="422"),
        pytest.param(lambda m: m.fail_next(402), "model_quota", False, 1, 0, id="402"),
        pytest.param(lambda m: m.fail_next(413), "context_overflow", False, 1, 0, id="413"),
        pytest.param(
            lambda m: m.refuse_next(TOO_LONG), "context_overflow", False, 1, 0, id="too long"
        ),
        pytest.param(
            lambda m: m.context_overflow_next(), "context_overflow", False, 1, 0, id="overflow"
        ),
        pytest.param(lambda m: m.cut_next(5), "model_cut", True, 1, 5, id="cut"),
        pytest.param(
            lambda m: m.cut_next(5, cleanly=True), "model_cut", True, 1, 5, id="cut cleanly"
        ),
    ],
)
async def test_each_failure_is_told_apart(
    client: Client,
    model: ScriptedModelServer,
    rows: Rows,
    broken: Break,
    code: str,
    allow_retry: bool,
    requests: int,
    kept_words: int,
) -> None:
    thread_id = (await client.create("hello")).thread_id
    before = len(model.requests)
    broken(model)
    answer = await client.add(thread_id, STORY)
    [error] = answer.errors
    assert error == answer.frames[-1]
    assert error.code == "custom"
    assert error.message
    assert error.allow_retry is allow_retry
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert (run["status"], run["error"]) == ("failed", {"code": code})
    assert len(model.requests) - before == requests
    kept = [
        item for item in await client.items(thread_id) if isinstance(item, AssistantMessageItem)
    ]
    assert [len(words(item).split()) for item in kept[1:]] == ([kept_words] if kept_words else [])
    assert endings(kept) == (["error"] if kept_words else [])

    following = await client.add(thread_id, STORY)
    assert not following.errors
    assert len(following.text.split()) == 60


async def test_a_short_trouble_is_not_noticed(client: Client, model: ScriptedModelServer) -> None:
    before = len(model.requests)
    model.fail_next(503)
    answer = await client.create(STORY)
    assert not answer.errors
    assert len(answer.text.split()) == 60
    assert len(model.requests) - before == 2


async def test_failure_after_a_tool_call_keeps_its_trace(
    client: Client, model: ScriptedModelServer, tickets: TicketList
) -> None:
    """The call is not made again, and the next run knows of it."""
    model.refuse_next(QUOTA, after=1)
    failed = await client.create(open_all("printer"))
    assert len(failed.errors) == 1
    [trace] = failed.done(WorkflowItem)
    assert [task.status_indicator for task in trace.workflow.tasks] == ["complete"]
    items = await client.items(failed.thread_id)
    assert endings(items) == ["error"]
    assert fold(failed.frames).texts() == [comparable(item) for item in items]
    following = await client.add(failed.thread_id, SHOW)
    assert not following.errors
    assert rows_shown(the_widget(following)) == [("printer", False)]
    assert len(await tickets(client)) == 1


async def test_nothing_but_a_clean_end(
    client: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    model.cut_next(0, cleanly=True)
    answer = await client.create(STORY)
    [error] = answer.errors
    assert error.allow_retry
    assert not answer.text
    [run] = await rows("select error from runs where id = %s", answer.run_id)
    assert run["error"] == {"code": "model_unavailable"}


@pytest.mark.parametrize("after_words", [0, 4])
async def test_words_before_the_content_filter_are_kept(
    client: Client, model: ScriptedModelServer, rows: Rows, after_words: int
) -> None:
    model.content_filter_next(after_words)
    answer = await client.create(STORY)
    [error] = answer.errors
    assert not error.allow_retry
    assert len(answer.text.split()) == after_words
    [run] = await rows("select error, output_tokens from runs where id = %s", answer.run_id)
    assert run["error"] == {"code": "content_filter"}
    assert run["output_tokens"]
    assert not (await client.add(answer.thread_id, "hello")).errors


async def test_filtered_calls_are_not_made(
    client: Client, model: ScriptedModelServer, tickets: TicketList, rows: Rows
) -> None:
    """They may be cut in the middle of their arguments."""
    model.play(Step(text="One.", calls=(*opening("printer"),)))
    model.content_filter_next(1)
    answer = await client.create(open_all("printer"))
    [run] = await rows("select error from runs where id = %s", answer.run_id)
    assert run["error"] == {"code": "content_filter"}
    assert not await tickets(client)


async def test_a_refusal_is_an_answer(
    client: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    model.play(Step(text="I cannot help with that.", refuses=True))
    answer = await client.create("hello")
    assert not answer.errors
    assert answer.text == "I cannot help with that."
    [run] = await rows("select status, error from runs where id = %s", answer.run_id)
    assert (run["status"], run["error"]) == ("completed", None)
    [said] = [i for i in await client.items(answer.thread_id) if i.type == "assistant_message"]
    assert words(said) == answer.text
    assert not (await client.add(answer.thread_id, "hello")).errors


class TestLimitsOfOneAnswer:
    @pytest.mark.parametrize("api", APIS)
    async def test_greatest_length_is_a_notice(
        self, chat_settings: ChatSettings, person: MakePerson, rows: Rows, api: str
    ) -> None:
        short = chat_settings.model_copy(update={"max_output_tokens": 16, "model_api": api})
        async with under_uvicorn(short) as chat, Client(chat.url, person().token) as client:
            answer = await client.create(STORY)
            assert not answer.errors
            [notice] = [frame for frame in answer.frames if isinstance(frame, NoticeEvent)]
            assert notice.level == "warning"
            assert len(answer.text.split()) == 16
            items = await client.items(answer.thread_id)
            assert endings(items) == ["length"]
            assert fold(answer.frames).texts() == [comparable(item) for item in items]
            [run] = await rows("select status, error from runs where id = %s", answer.run_id)
            assert (run["status"], run["error"]) == ("completed", None)
            assert not (await client.add(answer.thread_id, "hello")).errors

    async def test_most_steps(
        self, chat_settings: ChatSettings, person: MakePerson, tickets: TicketList, rows: Rows
    ) -> None:
        """The steps that were made are told."""
        few = chat_settings.model_copy(update={"max_turns": 1})
        async with under_uvicorn(few) as chat, Client(chat.url, person().token) as client:
            answer = await client.create(open_all("printer"))
            [error] = answer.errors
            assert not error.allow_retry
            [run] = await rows("select error from runs where id = %s", answer.run_id)
            assert run["error"] == {"code": "max_turns"}
            [trace] = answer.done(WorkflowItem)
            assert [task.status_indicator for task in trace.workflow.tasks] == ["complete"]
            assert len(await tickets(client)) == 1
            assert not (await client.add(answer.thread_id, "hello")).errors

    @pytest.mark.parametrize("after_words", [0, 3])
    async def test_silence(
        self,
        chat_settings: ChatSettings,
        person: MakePerson,
        model: ScriptedModelServer,
        rows: Rows,
        after_words: int,
    ) -> None:
        """A model that says nothing for too long is left, and not asked again."""
        hasty = chat_settings.model_copy(update={"model_timeout_s": 0.3})
        async with under_uvicorn(hasty) as chat, Client(chat.url, person().token) as client:
            before, closed = len(model.requests), model.closed_early
            model.hold(after_words=after_words)
            answer = await client.create(STORY)
            await model.until(lambda: model.closed_early == closed + 1)
            model.release()
            [error] = answer.errors
            assert error.allow_retry
            assert len(answer.text.split()) == after_words
            [run] = await rows("select error from runs where id = %s", answer.run_id)
            assert run["error"] == {"code": "model_timeout"}
            assert len(model.requests) - before == 1

    async def test_model_that_is_not_there(
        self, chat_settings: ChatSettings, person: MakePerson, rows: Rows
    ) -> None:
        update = {"openai_base_url": "http://127.0.0.1:9/v1", "model_max_retries": RETRIES}
        nowhere = chat_settings.model_copy(update=update)
        async with under_uvicorn(nowhere) as chat, Client(chat.url, person().token) as client:
            answer = await client.create("hello")
            [error] = answer.errors
            assert error.allow_retry
            [run] = await rows("select error from runs where id = %s", answer.run_id)
            assert run["error"] == {"code": "model_unreachable"}
