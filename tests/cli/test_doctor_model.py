"""`sidestream doctor --model`: what it tells of providers that do well, badly, and oddly."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr
from starlette.responses import JSONResponse, Response, StreamingResponse

from sidestream.cli.checks.finding import Finding, State
from sidestream.local.model import ModelSettings, ScriptedModelServer
from sidestream.local.system import LocalSystem
from tests.cli.examination import findings
from tests.cli.provider import (
    CALLS,
    DONE,
    WORDS,
    Document,
    Provider,
    Reply,
    calling,
    chunk,
    counted,
    event,
    good,
    has_results,
    provider,
    refusing,
    saying,
    stream,
)
from tests.command import run

KEY = "sk-pl4nt3d"


@pytest.fixture
async def serving() -> AsyncIterator[Provider]:
    async with provider() as running:
        yield running


async def examine(
    serving: Provider, reply: Reply = good, *, api: str = "chat_completions", **settings: Any
) -> dict[str, Finding]:
    """Everything that is found, by its name."""
    serving.reply = reply
    return await findings(serving.url, KEY, **{"model": "m", "model_api": api, **settings})


def on_results(reply: Reply) -> Reply:
    """Well until the results are given, then this."""
    return lambda asked: reply(asked) if has_results(asked) else good(asked)


def at_first(reply: Reply) -> Reply:
    """This for the first question, then well."""

    def answer(asked: Document) -> Response:
        first = bool(asked.get("tools")) and not has_results(asked)
        return reply(asked) if first else good(asked)

    return answer


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_all_is_well(serving: Provider, api: str) -> None:
    found = await examine(serving, api=api)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        [
            *("provider", "parameters", "tool calls", "parallel calls", "answer", "streaming"),
            *("first token", "usage", "roles", "form"),
        ],
        State.OK,
    )
    assert found["usage"].sentence.startswith("100 tokens were read and 40 written")
    path = "/v1/responses" if api == "responses" else "/v1/chat/completions"
    assert serving.paths == [path] * 3


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (lambda: refusing(401, "invalid_api_key", f"Incorrect key: {KEY}"), "OPENAI_API_KEY"),
        (lambda: refusing(403, "x", KEY), "what the key may do"),
        (lambda: refusing(402), "billing"),
        (lambda: refusing(429, "insufficient_quota"), "billing"),
        (lambda: refusing(429, "rate_limit_exceeded", **{"retry-after": "7"}), "in 7 s"),
        (lambda: refusing(429), "try again later"),
        (lambda: refusing(404, "model_not_found"), "has no m here"),
        (lambda: refusing(400, "model_not_found"), "has no m here"),
        (lambda: JSONResponse({"error": f"model {KEY} not found"}, 404), "ends in /v1"),
        (lambda: Response("<html>", 405), "MODEL_API"),
        (lambda: refusing(400, f"Bad {KEY}"), "refuses the request (HTTP 400)."),
        (lambda: refusing(400, "unsupported_value"), "(HTTP 400, unsupported_value)"),
        (lambda: refusing(503), "failed on its side (HTTP 503)"),
        (lambda: stream(chunk({"content": "a"}), event({"error": {"message": KEY}})), "broke"),
    ],
)
async def test_a_refusal_is_told_in_a_sentence(serving: Provider, refusal: Any, said: str) -> None:
    found = await examine(serving, lambda _asked: refusal())
    assert list(found) == ["conversation"]
    assert found["conversation"].state is State.FAILED
    assert said in found["conversation"].sentence
    assert len(serving.requests) <= 2


async def test_without_a_key_nothing_is_asked(serving: Provider) -> None:
    found = await examine(serving, openai_api_key=SecretStr(""))
    assert "OPENAI_API_KEY" in found["conversation"].sentence
    assert serving.requests == []


async def test_nobody_there(serving: Provider) -> None:
    found = await examine(serving, openai_base_url=HttpUrl("http://127.0.0.1:9/v1"))
    assert "connection refused" in found["conversation"].sentence


async def test_a_provider_that_is_silent_is_not_waited_for(serving: Provider) -> None:
    async def never() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    found = await examine(serving, lambda _asked: StreamingResponse(never()), model_timeout_s=0.2)
    assert "timed out" in found["conversation"].sentence


async def test_a_connection_that_breaks(serving: Provider) -> None:
    async def broken() -> AsyncIterator[str]:
        yield event(chunk({"content": "a"}))
        raise ConnectionError

    found = await examine(
        serving, lambda _asked: StreamingResponse(broken(), media_type="text/event-stream")
    )
    assert "connection lost" in found["conversation"].sentence


class TestTools:
    async def test_none_are_taken(self, serving: Provider) -> None:
        def answer(asked: Document) -> Response:
            refused = refusing(400, message="m does not support tools")
            return refused if asked.get("tools") else good(asked)

        found = await examine(serving, answer)
        assert "takes no tools" in found["conversation"].sentence

    async def test_none_are_called(self, serving: Provider) -> None:
        found = await examine(serving, lambda _asked: saying(WORDS))
        assert "calls no tool" in found["conversation"].sentence
        assert serving.requests[-1]["tool_choice"] == "required"
        assert found["provider"].state is State.OK

    async def test_only_when_it_has_to(self, serving: Provider) -> None:
        found = await examine(
            serving, at_first(lambda asked: good(asked) if "tool_choice" in asked else saying([]))
        )
        assert found["tool calls"].state is State.WARNING
        assert found["answer"].state is State.OK

    @pytest.mark.parametrize(
        ("function", "state"),
        [
            ({"name": "get_weather", "arguments": '{"city": "Lah'}, State.FAILED),
            ({"name": "get_weather", "arguments": "[1]"}, State.FAILED),
            ({"name": "get_weather", "arguments": ""}, State.FAILED),
            ({"name": "rm_rf", "arguments": '{"city": "Oslo"}'}, State.FAILED),
            ({"name": "get_weather", "arguments": '{"town": "Oslo"}'}, State.WARNING),
            ({"name": "get_weather", "arguments": '{"city": "Oslo, Norway"}'}, State.OK),
        ],
    )
    async def test_of_what_form_they_are(
        self, serving: Provider, function: Document, state: State
    ) -> None:
        call = {**CALLS[0], "function": function}
        found = await examine(serving, at_first(lambda _asked: calling(call)))
        assert found["tool calls"].state is state
        assert found["parallel calls"].state is State.WARNING

    async def test_results_are_refused(self, serving: Provider) -> None:
        found = await examine(serving, on_results(lambda _asked: refusing(400, "bad_role")))
        assert found["tool calls"].state is State.OK
        assert "With the tool's results" in found["conversation"].sentence

    async def test_calls_are_given_back_as_they_came(self, serving: Provider) -> None:
        await examine(serving)
        [*_, call, first, second] = serving.requests[1]["messages"]
        assert [each["id"] for each in call["tool_calls"]] == ["call_0", "call_1"]
        assert [first["tool_call_id"], second["tool_call_id"]] == ["call_0", "call_1"]


class TestAnswer:
    async def test_in_one_document(self, serving: Provider) -> None:
        message = {"role": "assistant", "content": " ".join(WORDS)}
        document = {"choices": [{"message": message, "finish_reason": "stop"}]}
        found = await examine(serving, on_results(lambda _asked: JSONResponse(document)))
        assert "does not stream" in found["streaming"].sentence
        assert found["answer"].state is State.OK
        assert found["usage"].state is State.WARNING

    async def test_in_one_piece(self, serving: Provider) -> None:
        whole = "".join(event(chunk({"content": f"{word} "})) for word in WORDS)
        whole += event(chunk(finish="stop")) + DONE
        found = await examine(serving, on_results(lambda _asked: stream(whole)))
        assert found["streaming"].state is State.FAILED
        assert "in 1 piece(s)" in found["streaming"].sentence

    @pytest.mark.parametrize(
        ("reply", "state", "said"),
        [
            (lambda: saying([]), State.FAILED, "empty"),
            (lambda: saying([], "length"), State.FAILED, "MAX_OUTPUT_TOKENS"),
            (lambda: calling(), State.WARNING, "again"),
        ],
    )
    async def test_without_words(
        self, serving: Provider, reply: Any, state: State, said: str
    ) -> None:
        found = await examine(serving, on_results(lambda _asked: reply()))
        assert found["answer"].state is state
        assert said in found["answer"].sentence
        assert found["streaming"].state is State.WARNING

    @pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}])
    async def test_that_counts_nothing(self, serving: Provider, usage: Any) -> None:
        uncounted = stream(chunk({"content": "a"}), chunk(finish="stop"), counted(usage), DONE)
        found = await examine(serving, on_results(lambda _asked: uncounted))
        assert found["usage"].state is State.WARNING

    async def test_too_late(self, serving: Provider) -> None:
        found = await examine(serving, ttft_target_ms=1)
        assert found["first token"].state is State.WARNING


class TestForm:
    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"id": None}, "no id"),
            ({"id": ""}, "no id"),
            ({"id": "call_0"}, "share an id"),
            ({"index": None}, "no index"),
        ],
    )
    async def test_of_calls(self, serving: Provider, changed: Document, said: str) -> None:
        calls = [{**call, **changed} for call in CALLS]
        found = await examine(serving, at_first(lambda _asked: calling(*calls)))
        assert found["form"].state is State.WARNING
        assert said in found["form"].sentence
        assert found["answer"].state is State.OK

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            (lambda: saying(WORDS, None), "does not say its end"),
            (lambda: saying(WORDS, "eos"), "no known end"),
            (lambda: stream(chunk({"content": "a b"}), chunk(finish="stop")), "without [DONE]"),
            (lambda: stream("data: {nothing\n\n", chunk(finish="stop"), DONE), "no JSON object"),
            (lambda: stream("data: 7\n\n", chunk(finish="stop"), DONE), "no JSON object"),
            (
                lambda: stream(chunk(finish="stop"), counted({"prompt_tokens": -1}), DONE),
                "whole numbers",
            ),
            (lambda: stream(chunk(finish="stop"), counted("many"), DONE), "whole numbers"),
        ],
    )
    async def test_of_answers(self, serving: Provider, reply: Any, said: str) -> None:
        found = await examine(serving, on_results(lambda _asked: reply()))
        assert said in found["form"].sentence

    async def test_arguments_that_are_an_object(self, serving: Provider) -> None:
        function = {"name": "get_weather", "arguments": {"city": "Oslo"}}
        call = {**CALLS[0], "function": function}
        found = await examine(serving, at_first(lambda _asked: calling(call)))
        assert "object" in found["form"].sentence
        assert found["tool calls"].state is State.OK


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "state"),
        [
            ("parallel_tool_calls", State.OK),
            ("stream_options", State.OK),
            ("strict", State.FAILED),
        ],
    )
    async def test_one_that_is_refused_is_left_out(
        self, serving: Provider, name: str, state: State
    ) -> None:
        def answer(asked: Document) -> Response:
            refused = refusing(400, "unknown_parameter", f"Unknown parameter: '{name}'.")
            return refused if name in json.dumps(asked) else good(asked)

        found = await examine(serving, answer)
        assert found["parameters"].state is state
        assert found["parameters"].sentence.startswith(f"{name} is refused")
        assert found["answer"].state is State.OK

    async def test_the_newer_name_of_a_limit(self, serving: Provider) -> None:
        def answer(asked: Document) -> Response:
            words = "'max_tokens' is not supported: use 'max_completion_tokens'"
            return refusing(400, "x", words) if "max_tokens" in asked else good(asked)

        found = await examine(serving, answer)
        assert "max_tokens" in found["parameters"].sentence
        assert serving.requests[-1]["max_completion_tokens"] == 1_000

    async def test_a_role_that_is_not_known(self, serving: Provider) -> None:
        def answer(asked: Document) -> Response:
            known = all(message.get("role") != "developer" for message in asked["messages"])
            return good(asked) if known else refusing(400)

        found = await examine(serving, answer)
        assert found["roles"].state is State.OK
        assert "is not (HTTP 400)" in found["roles"].sentence


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_the_scripted_model_passes(tmp_path: Path, api: str) -> None:
    async with ScriptedModelServer(ModelSettings(delay_ms=5)) as model:
        settings = {
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": KEY,
            "MODEL": "m",
            "MODEL_API": api,
            "SCRIPTED_MODEL": "true",
        }
        done = await doctor(tmp_path, settings)
    assert done.returncode == 0, done.stderr
    assert "2 calls came in one answer." in done.stdout
    assert done.stdout.splitlines()[-1] == "Nothing is wrong."


async def test_of_the_local_system_that_runs(system: LocalSystem) -> None:
    done = await doctor(system.options.folder)
    assert done.returncode == 0, done.stderr
    assert "2 calls came in one answer." in done.stdout


async def test_what_fails_is_the_commands_exit_code(tmp_path: Path, serving: Provider) -> None:
    serving.reply = lambda _asked: refusing(401, "invalid_api_key", f"Wrong key: {KEY}")
    settings = {"OPENAI_BASE_URL": serving.url, "OPENAI_API_KEY": KEY}
    done = await doctor(tmp_path, settings)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 to mend."


async def doctor(
    folder: Path, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command, which never shows the key."""
    command = partial(run, "doctor", "--model", "--folder", folder, env=settings)
    done = await asyncio.to_thread(command)
    assert KEY not in done.stdout + done.stderr
    return done
