"""Limits: refused before any model cost, and with the time after which to come again."""

import asyncio

import httpx2
import pytest

from sidestream.config import ChatSettings
from sidestream.limits import Limits
from sidestream.local.model import ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.chat.client import Client, create_request, delta_of, thread_request
from tests.chat.conftest import MakePerson, Rows, under_uvicorn
from tests.chat.until import until
from tests.chat.variants import chat_function
from tests.tickets import open_all


async def test_requests_per_minute(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer
) -> None:
    limited = chat_settings.model_copy(update={"requests_per_minute": 2})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        # A minute may turn over in between, but not twice.
        answers = [await client.create("hello", idempotency_key=f"{n}") for n in range(6)]
        refused = next(answer for answer in answers if answer.status != 200)
        assert refused.status == 429
        assert refused.problem["code"] == "rate_limited"
        assert refused.problem["retryable"]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        granted = [answer for answer in answers if answer.status == 200]
        assert 2 <= len(granted) <= 4
        assert len(await client.threads()) == len(granted)

        asked = len(model.requests)
        [first, *_] = answers
        assert (await client.create("hello", idempotency_key="0")).body == first.body
        assert len(model.requests) == asked

        async with Client(chat.url, person().token) as another:
            assert (await another.create("hello")).status == 200


async def test_tokens_per_day(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    limited = chat_settings.model_copy(update={"tokens_per_day": 10})
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        created = await client.create("hello")
        assert created.status == 200
        [spent] = await rows(
            "select sum(tokens)::int as tokens from usage_days where user_id = %s", client.user_id
        )
        assert spent["tokens"] >= 10
        [run] = await rows(
            "select input_tokens + output_tokens as tokens from runs where id = %s", created.run_id
        )
        assert run["tokens"] == spent["tokens"]
        asked = len(model.requests)
        refused = await client.add(created.thread_id, "hello")
        assert refused.status == 429
        assert refused.problem["code"] == "rate_limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 86_400
        assert len(model.requests) == asked
        assert len(await client.items(created.thread_id)) == 2
        async with Client(chat.url, person().token) as another:
            assert (await another.create("hello")).status == 200


async def test_tokens_of_answers_that_begin_at_once(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer
) -> None:
    limited = chat_settings.model_copy(update={"tokens_per_day": 10})
    model.hold(after_words=1)
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        begun = [asyncio.create_task(client.create("hello")) for _ in range(3)]
        async with asyncio.timeout(60):
            while len([task for task in begun if task.done()]) < 2:
                await asyncio.wait(
                    [task for task in begun if not task.done()],
                    return_when=asyncio.FIRST_COMPLETED,
                )
        model.release()
        answers = await asyncio.gather(*begun)
        assert sorted(answer.status for answer in answers) == [200, 429, 429]


async def test_tokens_of_a_conversation_that_is_deleted_meanwhile(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    """What the model said until then counts, and no more."""
    limited = chat_settings.model_copy(update={"tokens_per_day": 1_000_000})
    counted = "select sum(tokens)::int as tokens from usage_days where user_id = %s"
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        model.hold(after_words=1)
        async with client.stream(create_request(open_all("printer"))) as stream:
            await model.until(lambda: model.held_streams == 1)
            [reserved] = await rows(counted, client.user_id)
            assert reserved["tokens"] == limited.reserved_tokens
            await client.send(thread_request("threads.delete", stream.thread_id))
            await stream.rest()
        model.release()

        async def settled() -> bool:
            [now] = await rows(counted, client.user_id)
            return bool(0 < now["tokens"] < reserved["tokens"])

        await until(settled)


async def test_tokens_of_an_answer_whose_process_died(
    system: LocalSystem, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    """What it spent nobody knows, so what was reserved stays."""
    survivor = person()
    model.hold(after_words=1)
    async with (
        chat_function(system, RUN_LEASE_S="2", TOKENS_PER_DAY="1000000") as function,
        Client(function.url, survivor.token) as client,
    ):
        [environment] = function.environments
        async with client.stream(create_request("hello")) as stream:
            await stream.until(delta_of)
            environment.kill()
            with pytest.raises((httpx2.HTTPError, AssertionError)):
                await stream.rest()
        model.release()

        async def settled() -> bool:
            run = await survivor.http.get(f"/api/chatkit/threads/{stream.thread_id}/run")
            return bool(run.json()["status"] == "failed")

        await until(settled)
        assert (await survivor.replay(stream.run_id)).ended
    [spent] = await rows("select tokens from usage_days where user_id = %s", survivor.user_id)
    limits = Limits(tokens_per_day=1_000_000)
    assert spent["tokens"] == limits.history_tokens + limits.max_output_tokens


async def test_message_length(
    alice: Client, chat_settings: ChatSettings, model: ScriptedModelServer
) -> None:
    most = chat_settings.max_message_chars
    asked = len(model.requests)
    refused = await alice.create("ا" * (most + 1))
    assert refused.status == 413
    assert refused.problem["code"] == "too_large"
    quoting = create_request("a" * most, quoted_text="b")
    assert (await alice.send(quoting)).status == 413
    plain = await alice.post({"message": "a" * (most + 1)}, path=f"/api/{alice.user_id}/chat")
    assert plain.status == 413
    assert len(model.requests) == asked
    assert (await alice.create("ا" * most)).status == 200


async def test_number_of_attachments(alice: Client, chat_settings: ChatSettings) -> None:
    ids = [f"atc_{n}" for n in range(chat_settings.max_attachments + 1)]
    assert (await alice.send(create_request("hello", attachments=ids))).status == 413
    assert (await alice.send(create_request("hello", attachments=ids[1:]))).status == 404


@pytest.mark.parametrize("limit", ["tokens", "items"])
async def test_history(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, limit: str
) -> None:
    """The model is told the newest runs that fit, whole, and always the newest."""
    update = {"history_tokens": 600} if limit == "tokens" else {"history_items": 3}
    limited = chat_settings.model_copy(update=update)
    async with under_uvicorn(limited) as chat, Client(chat.url, person().token) as client:
        thread_id = (await client.create("my name is Zebulon")).thread_id
        for number in range(6):
            await client.add(thread_id, f"remember number {number}")
        told = str(model.requests[-1].body["input"])
        assert "Zebulon" not in told
        assert "number 4" in told
        assert "number 5" in told
        if limit == "tokens":
            roles = [item.get("role") for item in model.requests[-1].body["input"]]
            assert roles[0] == "user"
        long = "word " * 1500
        answer = await client.add(thread_id, long)
        assert not answer.errors
        assert len(model.requests[-1].body["input"]) == 1 or limit == "items"
        assert long.strip() in str(model.requests[-1].body["input"])
