"""The server itself: keys, bodies, models, the gate, faults, and clients that go away."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from openai import (
    APIConnectionError,
    AsyncOpenAI,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)

from sidestream.local.model import ModelEntry, ModelSettings, ScriptedModelServer


@pytest.fixture
async def http(model: ScriptedModelServer) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": "Bearer any"}
    async with httpx2.AsyncClient(base_url=model.base_url, headers=headers) as opened:
        yield opened


async def text_of(client: AsyncOpenAI, said: str) -> str:
    stream = await client.responses.create(model="m", input=said, stream=True)
    return "".join([e.delta async for e in stream if e.type == "response.output_text.delta"])


class TestRequests:
    async def test_models_carry_their_shutdown_date(self) -> None:
        entries = (ModelEntry("new"), ModelEntry("old", shutdown_date="2026-10-23"))
        async with (
            ScriptedModelServer(ModelSettings(models=entries)) as server,
            AsyncOpenAI(base_url=server.base_url, api_key="any") as client,
        ):
            listed = [entry async for entry in client.models.list()]
            assert [(m.id, m.shutdown_date) for m in listed] == [
                ("new", None),
                ("old", "2026-10-23"),
            ]
            assert (await client.models.retrieve("old")).shutdown_date == "2026-10-23"
            with pytest.raises(NotFoundError):
                await client.models.retrieve("other")

    async def test_only_the_set_key_is_accepted(self) -> None:
        async with ScriptedModelServer(ModelSettings(api_key="right")) as server:
            async with AsyncOpenAI(base_url=server.base_url, api_key="right") as client:
                assert await text_of(client, "hello")
            async with AsyncOpenAI(base_url=server.base_url, api_key="wrong") as client:
                with pytest.raises(AuthenticationError) as caught:
                    await text_of(client, "hello")
            assert caught.value.code == "invalid_api_key"

    async def test_no_key_is_refused(self, model: ScriptedModelServer) -> None:
        async with httpx2.AsyncClient(base_url=model.base_url) as http:
            answer = await http.post("/responses", json={"model": "m", "input": "hello"})
        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b'"hello"',
            b'{"input": "hello"}',
            b'{"model": "m", "input": 7}',
            b'{"model": "m", "input": [1]}',
            b'{"model": "m", "input": [{"type": "function_call"}]}',
            b'{"model": "m", "input": "hi", "tools": [{"type": "function"}]}',
            b"\xff",
        ],
    )
    async def test_bad_bodies_are_refused(self, http: httpx2.AsyncClient, body: bytes) -> None:
        answer = await http.post("/responses", content=body)

        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"

    async def test_unknown_path_has_an_error_body(self, http: httpx2.AsyncClient) -> None:
        answer = await http.get("/nothing")

        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "Invalid URL (GET /v1/nothing)"

    async def test_any_string_comes_back(self, http: httpx2.AsyncClient) -> None:
        body = b'{"model": "m", "input": "echo a\\ud800b\\u0000c"}'
        answer = await http.post("/responses", content=body)

        assert answer.json()["output"][0]["content"][0]["text"] == "a\ud800b\0c"

    async def test_requests_are_recorded(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        await text_of(client, "hello")

        (request,) = model.requests
        assert request.path == "/v1/responses"
        assert request.body["input"] == "hello"


class TestGate:
    async def test_holds_between_two_deltas_until_released(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.hold(after_words=2)
        stream = await client.responses.create(
            model="m", input="tell me a story of 5 words", stream=True
        )
        deltas = (e.delta async for e in stream if e.type == "response.output_text.delta")
        assert [await anext(deltas), await anext(deltas)] == ["Once ", "upon "]
        await model.until(lambda: model.held_streams == 1)
        third = asyncio.ensure_future(anext(deltas))
        assert model.open_streams == 1
        assert not third.done()

        model.release()
        assert await third == "a "
        assert len([delta async for delta in deltas]) == 2
        await model.until(lambda: model.finished == 1)
        assert model.closed_early == 0

    async def test_a_client_that_leaves_is_noticed_while_held(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.hold(after_words=1)
        stream = await client.responses.create(
            model="m", input="tell me a story of 5 words", stream=True
        )
        await model.until(lambda: model.held_streams == 1)
        await stream.close()

        await model.until(lambda: model.closed_early == 1)
        await model.until(lambda: model.open_streams == 0)
        assert model.finished == 0

    async def test_a_client_that_leaves_ends_a_long_story(self) -> None:
        async with (
            ScriptedModelServer(ModelSettings(delay_ms=20)) as server,
            AsyncOpenAI(base_url=server.base_url, api_key="any") as client,
        ):
            stream = await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": "tell me a story of 5000 words"}],
                stream=True,
            )
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            await stream.close()
            await server.until(lambda: server.closed_early == 1)

    async def test_shutdown_does_not_wait_for_a_held_answer(self) -> None:
        async with ScriptedModelServer(ModelSettings(delay_ms=0)) as server:
            client = AsyncOpenAI(base_url=server.base_url, api_key="any", max_retries=0)
            server.hold(after_words=1)
            stream = await client.responses.create(model="m", input="hello", stream=True)
            await server.until(lambda: server.held_streams == 1)
        with pytest.raises(APIConnectionError):
            assert [event async for event in stream]
        await client.close()


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "error", "code"),
        [
            (401, AuthenticationError, "invalid_api_key"),
            (429, RateLimitError, "rate_limit_exceeded"),
            (500, InternalServerError, None),
            (503, InternalServerError, None),
        ],
    )
    async def test_next_request_fails_and_the_one_after_does_not(
        self,
        model: ScriptedModelServer,
        client: AsyncOpenAI,
        status: int,
        error: type[AuthenticationError | RateLimitError | InternalServerError],
        code: str | None,
    ) -> None:
        model.fail_next(status=status)
        with pytest.raises(error) as caught:
            await text_of(client, "hello")
        assert caught.value.status_code == status
        assert caught.value.code == code
        assert await text_of(client, "hello")

    async def test_client_retries_after_what_it_is_told(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.fail_next(status=429, times=2, retry_after=0.01)

        assert await text_of(client.with_options(max_retries=2), "hello")
        assert len(model.requests) == 3

    async def test_retry_after_is_sent(
        self, model: ScriptedModelServer, http: httpx2.AsyncClient
    ) -> None:
        model.fail_next(status=429, retry_after=7)
        answer = await http.post("/responses", json={"model": "m", "input": "hello"})

        assert answer.headers["retry-after"] == "7"

    async def test_cut_breaks_the_connection_after_some_words(
        self, model: ScriptedModelServer, client: AsyncOpenAI
    ) -> None:
        model.cut_next(after_words=2)
        stream = await client.responses.create(
            model="m", input="tell me a story of 9 words", stream=True
        )
        deltas = (e.delta async for e in stream if e.type == "response.output_text.delta")
        assert [await anext(deltas), await anext(deltas)] == ["Once ", "upon "]
        with pytest.raises(APIConnectionError):
            await anext(deltas)
        await model.until(lambda: model.open_streams == 0)
        assert (model.finished, model.closed_early) == (0, 0)

    async def test_titles_are_spared(self, model: ScriptedModelServer, client: AsyncOpenAI) -> None:
        model.fail_next(status=500)
        titled = await client.responses.create(
            model="m",
            instructions="Give this thread a short title.",
            input="Create a task to buy groceries for the weekend",
        )

        assert titled.output_text == "Create a task to buy groceries"
        with pytest.raises(InternalServerError):
            await text_of(client, "hello")
