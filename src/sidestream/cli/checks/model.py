"""A short conversation with the configured model, with a tool call in it, and what it tells of the
provider: whether it streams, calls tools, counts tokens, and how soon it answers.

Three or four requests, of less than a thousand tokens each way together. Nothing of what the
provider wrote is shown: it may quote the key.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from sidestream import network
from sidestream.cli.checks.finding import Broken, Finding, failed, ok, warning
from sidestream.cli.checks.model_answer import Heard, Refused, ask
from sidestream.cli.checks.model_request import Asking, Call, Message, base_url
from sidestream.config import ChatSettings
from sidestream.reasons import of_error, of_status

NAME_CHARS: Final = len("parallel calls")
"""How long the name of a finding is at most."""
_NAMES: Final = {"responses": "Responses", "chat_completions": "Chat Completions"}
_CONNECT_TIMEOUT_S: Final = 5.0
_LONGEST_TIMEOUT_S: Final = 30.0
_LIMIT_S: Final = 120.0
_MIN_WORDS: Final = 10
_MIN_PIECES: Final = 4
_LEARNT: Final = frozenset(
    {"parallel_tool_calls", "stream_options", "max_tokens", "max_output_tokens", "tool_choice"}
)
"""What the chat leaves out, or names otherwise, once it was refused."""
_OPTIONAL: Final = (*sorted(_LEARNT), "strict")

_CITIES: Final = ("Lahore", "Oslo")
_TOOL: Final[dict[str, Any]] = {
    "name": "get_weather",
    "description": "Give the weather of a city as it is now.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "The city's name."}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
_INSTRUCTIONS: Final = Message(
    "system",
    "You tell people about the weather. Call get_weather for each city, all of them at once, before"
    " you answer. Then answer in about sixty words.",
)
_QUESTION: Final = Message("user", f"What is the weather in {_CITIES[0]} and in {_CITIES[1]}?")
_SCRIPT: Final = Message(
    "user",
    "\n".join(f'!get_weather {{"city": "{city}"}}' for city in _CITIES)
    + "\nThe sky is clear in both of them, and it is as warm as on a day in May.",
)
"""The same for the scripted model, which does what it is told in so many words."""
_RESULT: Final = '{"sky": "clear", "temperature_c": 21}'


class Examination:
    """The conversation with one model."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._base_url = f"{base_url(settings)}/"
        self._asking = Asking(settings.model_api, settings.model, (_TOOL,))
        self._question = _SCRIPT if settings.scripted_model else _QUESTION
        self._heard: list[Heard] = []

    async def findings(self) -> AsyncIterator[tuple[str, Finding]]:
        """Give each thing that is found by its name, as it is found. The first that does not work
        at all is the last."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                async for name, finding in self._converse():
                    yield name, finding
        except (Broken, network.UnusableProxy) as broken:
            yield "conversation", failed(str(broken))
        except TimeoutError:
            yield "conversation", failed(f"It was not over within {_LIMIT_S:.0f} s.")

    async def _converse(self) -> AsyncIterator[tuple[str, Finding]]:
        key = self._settings.openai_api_key.get_secret_value()
        if not key:
            raise Broken("There is no key: set OPENAI_API_KEY (anything, where none is needed).")
        async with network.async_client(
            self._base_url,
            base_url=self._base_url,
            headers={"authorization": f"Bearer {key}"},
            timeout=httpx2.Timeout(
                min(self._settings.model_timeout_s, _LONGEST_TIMEOUT_S),
                connect=_CONNECT_TIMEOUT_S,
            ),
        ) as client:
            called = await self._first(client)
            host = urlsplit(self._base_url).hostname
            api = _NAMES[self._asking.api]
            yield "provider", ok(f"{self._asking.model} answers at {host}, over {api}.")
            yield "parameters", _parameters(self._asking.left_out)
            made = called or await self._forced(client)
            yield "tool calls", _calls(made, by_itself=called is not None)
            yield "parallel calls", _parallel(made)
            told = await self._answer(client, made)
            yield "answer", _answer(told)
            yield "streaming", _streaming(told)
            yield "first token", self._first_token()
            yield "usage", _usage(self._heard)
            yield "roles", await self._developer(client)
            yield "form", _form(self._heard, made)

    async def _first(self, client: httpx2.AsyncClient) -> Heard | None:
        """Ask. Gives the answer when it calls the tool."""
        try:
            heard = await self._ask(client, self._asking, _INSTRUCTIONS, self._question)
        except Refused as refused:
            if refused.status in (400, 404, 422) and not _is_gone(refused):
                await self._without_tools(client)
            raise Broken(self._sentence(refused)) from None
        return heard if heard.calls else None

    async def _without_tools(self, client: httpx2.AsyncClient) -> None:
        """Raise `Broken` if it was the tools that were refused."""
        try:
            await self._ask(client, replace(self._asking, tools=()), self._question)
        except Refused:
            return
        raise Broken(
            f"{self._asking.model} takes no tools here, and the assistant needs them: choose a"
            " model that calls tools, or start its server with tool calls enabled."
        )

    async def _forced(self, client: httpx2.AsyncClient) -> Heard:
        """Ask again, in a way that leaves the model no choice. Raises `Broken`."""
        asking = replace(self._asking, must_call=True)
        try:
            heard = await self._ask(client, asking, _INSTRUCTIONS, self._question)
        except Refused as refused:
            raise Broken(self._sentence(refused)) from None
        if heard.calls:
            return heard
        raise Broken(
            f"{self._asking.model} calls no tool, also when it has to: choose a model that calls"
            " tools, or start its server with tool calls enabled."
        )

    async def _answer(self, client: httpx2.AsyncClient, made: Heard) -> Heard:
        """Give the tool's results and hear the answer. Raises `Broken`."""
        calls = [
            Call(call.id or f"call_{number}", call.name, call.arguments or "{}")
            for number, call in enumerate(made.calls.values())
        ]
        done = Message(calls=tuple(calls), results=(_RESULT,) * len(calls))
        try:
            return await self._ask(client, self._asking, _INSTRUCTIONS, self._question, done)
        except Refused as refused:
            sentence = self._sentence(refused)
            raise Broken(f"With the tool's results in the conversation: {sentence}") from None

    async def _developer(self, client: httpx2.AsyncClient) -> Finding:
        """Whether the newer name of the system's role is known, which the chat does not need."""
        words = Message("developer", "Answer with one word.")
        asking = replace(self._asking, tools=())
        try:
            await self._ask(client, asking, words, Message("user", "Are you there?"))
        except Refused as refused:
            return ok(
                "system, user, assistant and tool are taken; developer, which the chat does not"
                f" use, is not (HTTP {refused.status})."
            )
        return ok("system, developer, user, assistant and tool are taken.")

    async def _ask(self, client: httpx2.AsyncClient, asking: Asking, *messages: Message) -> Heard:
        """Ask, and again without a parameter that is refused. Raises `Refused` and `Broken`."""
        while True:
            try:
                heard = await ask(client, asking, messages)
            except httpx2.HTTPError as error:
                raise Broken(
                    f"The model's provider: {of_error(error)}; look at OPENAI_BASE_URL, its server"
                    " and the network."
                ) from None
            except Refused as refused:
                unknown = _refused_parameter(refused, asking)
                if unknown is None:
                    raise
                asking = replace(asking, left_out=asking.left_out | {unknown})
                self._asking = replace(self._asking, left_out=asking.left_out)
                continue
            self._heard.append(heard)
            return heard

    def _first_token(self) -> Finding:
        times = sorted(heard.first_ms for heard in self._heard if heard.first_ms is not None)
        if not times:
            return failed("Nothing came that could be measured.")
        target = self._settings.ttft_target_ms
        said = f"after {times[0]:.0f} to {times[-1]:.0f} ms, in {len(times)} answers"
        if times[0] > target:
            return warning(f"{said}: more than the {target} ms of TTFT_TARGET_MS.")
        return ok(f"{said}.")

    def _sentence(self, refused: Refused) -> str:
        """Say why the provider refuses, and what to do."""
        model, status = self._asking.model, f"HTTP {refused.status}"
        if refused.status == 401:
            return "The provider refuses the key: look at OPENAI_API_KEY."
        if refused.status == 403:
            return f"The provider does not let this key use {model}: look at what the key may do."
        if refused.status == 402 or refused.code == "insufficient_quota":
            return "The account has nothing left: look at its billing and limits."
        if refused.status == 429:
            wait = f" in {refused.retry_after} s" if refused.retry_after.isdecimal() else " later"
            return f"The provider takes no more requests for now: try again{wait}."
        if _is_gone(refused):
            return (
                f"The provider has no {model} here ({status}): look at MODEL, at MODEL_API, and at"
                " OPENAI_BASE_URL, which mostly ends in /v1."
            )
        if refused.status < 400:
            return "The provider broke the answer off with an error: look at its status page."
        if refused.status >= 500:
            return f"The provider {of_status(refused.status)} ({status}): try again later."
        code = refused.code if re.fullmatch(r"[a-z_.]{1,40}", refused.code) else ""
        return f"The provider refuses the request ({', '.join(filter(None, (status, code)))})."


def _is_gone(refused: Refused) -> bool:
    return refused.status in (404, 405) or refused.code in ("model_not_found", "invalid_model")


def _refused_parameter(refused: Refused, asking: Asking) -> str | None:
    """An optional parameter of ours that a refusal names."""
    if refused.status not in (400, 422):
        return None
    named = (name for name in _OPTIONAL if name not in asking.left_out and name in refused.body)
    return next(named, None)


def _parameters(left_out: frozenset[str]) -> Finding:
    if not left_out:
        return ok("All that the chat sends are taken.")
    refused = f"{', '.join(sorted(left_out))} is refused"
    if left_out <= _LEARNT:
        return ok(f"{refused}, which the chat learns from the first refusal.")
    return failed(f"{refused}, and the chat cannot do without: choose another provider.")


def _calls(made: Heard, *, by_itself: bool) -> Finding:
    wrong = [call for call in made.calls.values() if call.name != _TOOL["name"]]
    if wrong:
        return failed("It calls a tool that it was not given: choose another model.")
    if any(call.values() is None for call in made.calls.values()):
        return failed("The arguments of a call are no JSON object: choose another model.")
    cities = {str((call.values() or {}).get("city")) for call in made.calls.values()}
    if not any(known in city for known in _CITIES for city in cities):
        return warning("It calls the tool with other arguments than it was asked for.")
    if not by_itself:
        return warning("It calls tools only when it has to, so it may talk instead of acting.")
    return ok("It calls the tool as it was asked to, with arguments of the right form.")


def _parallel(made: Heard) -> Finding:
    if len(made.calls) > 1:
        return ok(f"{len(made.calls)} calls came in one answer.")
    return warning("One call an answer: what takes several is slower.")


def _answer(told: Heard) -> Finding:
    if told.words.strip():
        return ok(f"It answers from what the tool gave, in {len(told.words.split())} words.")
    if told.calls:
        return warning("It calls the tool again instead of answering.")
    if told.end == "length":
        return failed("It spends the whole answer on thinking: raise MAX_OUTPUT_TOKENS well.")
    return failed("Its answer is empty: choose another model.")


def _streaming(told: Heard) -> Finding:
    if not told.streamed:
        return failed("It does not stream: the answer came as one document.")
    if len(told.words.split()) < _MIN_WORDS:
        return warning("Its answer was too short to tell.")
    if len(told.pieces_ms) < _MIN_PIECES:
        return failed(
            f"It does not stream: {len(told.words.split())} words came in"
            f" {len(told.pieces_ms)} piece(s). Something in between may hold them back."
        )
    return ok(
        f"{len(told.words.split())} words came in {len(told.pieces_ms)} pieces, the first after"
        f" {told.pieces_ms[0]:.0f} ms and the last after {told.pieces_ms[-1]:.0f} ms."
    )


def _usage(heard: list[Heard]) -> Finding:
    counted = [each.usage for each in heard if each.usage is not None and any(each.usage)]
    if len(counted) < len(heard):
        return warning("Tokens are not always counted, so TOKENS_PER_DAY does not hold them all.")
    read, written = (sum(each[place] for each in counted) for place in (0, 1))
    return ok(f"{read} tokens were read and {written} written, in {len(counted)} answers.")


def _form(heard: list[Heard], made: Heard) -> Finding:
    """What came on the wire that no specification says. The chat reads over what it knows."""
    oddities = list(dict.fromkeys(odd for each in heard for odd in each.oddities))
    ids = [call.id for call in made.calls.values()]
    if not all(ids):
        oddities.append("calls have no id")
    elif len(set(ids)) < len(ids):
        oddities.append("calls share an id")
    if oddities:
        return warning(f"Not as the reference says: {'; '.join(oddities)}.")
    return ok("What came is as the reference says.")
