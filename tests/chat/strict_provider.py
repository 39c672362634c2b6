"""Strict providers, imitated: each refuses what the real one is known to refuse.

An imitation stands before the scripted model, over real HTTP: it checks the history of a request
against its rules, answers 400 as the provider would, and else lets the scripted model answer, whose
stream it dresses as the provider's own (ids, reasoning, signatures). The rules name their sources.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.asgi_server import serve

type Message = dict[str, Any]
type Rule = Callable[["StrictProvider", Mapping[str, Any], list[Message]], object]
"""Gives what is wrong with a request and its messages: words, a whole body, or nothing."""

_PLACEHOLDER: Final = "skip_thought_signature_validator"


@dataclass(frozen=True, slots=True)
class Manners:
    """One provider: whose model, what it refuses, and what its own answers look like."""

    model: str
    rules: Sequence[Rule]
    short_ids: bool = False
    thinks: str | None = None
    """The field of its reasoning."""
    signs: bool = False


@dataclass(slots=True)
class StrictProvider:
    """A running imitation, and what it saw."""

    manners: Manners
    url: str = ""
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    refusals: list[object] = field(default_factory=list)
    thoughts: dict[str, str] = field(default_factory=dict)
    """The reasoning that it gave with each call, by the call's id."""
    signatures: dict[str, str] = field(default_factory=dict)

    def refusal(self, body: Mapping[str, Any]) -> object:
        messages = body.get("messages") or messages_of(body)
        for rule in self.manners.rules:
            if wrong := rule(self, body, messages):
                return wrong
        return None


def messages_of(body: Mapping[str, Any]) -> list[Message]:
    """The input of a Responses request as servers hand it to their templates (llama.cpp, vLLM)."""
    messages: list[Message] = [{"role": "system", "content": body["instructions"]}]
    for item in body["input"]:
        kind, last = item.get("type"), messages[-1]
        if kind == "function_call":
            call = {"id": item["call_id"], "function": item}
            if last["role"] == "assistant":
                last.setdefault("tool_calls", []).append(call)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            told = {"tool_call_id": item["call_id"], "content": item["output"]}
            messages.append({"role": "tool", **told})
        elif kind != "reasoning":
            parts = item["content"]
            text = parts if isinstance(parts, str) else "".join(part["text"] for part in parts)
            messages.append({"role": item["role"], "content": text})
    return messages


def _calls(message: Message) -> list[dict[str, Any]]:
    return message.get("tool_calls") or []


def knows_roles(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """DeepSeek: `messages[1].role: unknown variant developer` (deepseek-ai/DeepSeek-V3#1083)."""
    for at, message in enumerate(messages):
        if message["role"] not in ("system", "user", "assistant", "tool"):
            return f"messages[{at}].role: unknown variant `{message['role']}`"
    return None


def system_first(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """The templates of Qwen 3.5 to 3.8 (QwenLM/Qwen3.8#244)."""
    if any(message["role"] == "system" for message in messages[1:]):
        return "System message must be at the beginning."
    return None


def alternates(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Mistral's templates, for which calls and outputs do not count (charmbracelet/crush#279)."""
    spoken = [m["role"] for m in messages[1:] if m["role"] != "tool" and not _calls(m)]
    if any(role != ("user", "assistant")[at % 2] for at, role in enumerate(spoken)):
        return "After the optional system message, conversation roles must alternate user/assistant"
    return None


def takes_turns(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Stricter than any: no two messages of the same speaker, whatever they have."""
    spoken = [m["role"] for m in messages[1:]]
    for before, after in pairwise(spoken):
        if before == after != "tool":
            return f"two messages of {after} in a row"
    return None if spoken[:1] == ["user"] else "the first message is the user's"


def mistral_order(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Mistral's API (code 3230; avante-corp/avante.nvim#2695, 0xPlaygrounds/rig#1130)."""
    roles = [message["role"] for message in messages]
    for before, after in pairwise(roles):
        if (before, after) == ("tool", "user"):
            return "Unexpected role 'user' after role 'tool'"
    if roles[-1] not in ("user", "tool"):
        return f"Expected last role User or Tool for serving but got {roles[-1]}"
    if any(m["role"] == "assistant" and not (m["content"] or _calls(m)) for m in messages):
        return "Assistant message must have either content or tool_calls, but not none."
    return None


def pairs(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """OpenAI: each call is followed by its output, and no output is without its call."""
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return f"messages[{at}] must be a response to a preceding message with tool_calls"
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            return f"tool_call_ids did not have response messages: {waiting}"
        waiting = [call["id"] for call in _calls(message)]
    return waiting


def unique_ids(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Anthropic: `tool_use ids must be unique`; each is of `^[a-zA-Z0-9_-]+$`."""
    ids = [call["id"] for message in messages for call in _calls(message)]
    twice = [each for each, count in Counter(ids).items() if count > 1]
    odd = [each for each in ids if not re.fullmatch("[a-zA-Z0-9_-]+", each)]
    return [*twice, *odd]


def ids_of_nine(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Mistral's API and templates (code 3280)."""
    for call in (call for message in messages for call in _calls(message)):
        if not re.fullmatch("[A-Za-z0-9]{9}", call["id"]):
            return f"Tool call id was {call['id']} but must be a-z, A-Z, 0-9, with a length of 9."
    return None


def ids_up_to_forty(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """OpenAI's Chat Completions (`string_above_max_length`)."""
    long = [call["id"] for m in messages for call in _calls(m) if len(call["id"]) > 40]
    return long and f"Invalid 'tool_calls[0].id': string too long {long}"


def objects(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Google and Anthropic: a call's arguments are an object, also in what has been."""
    for call in (call for message in messages for call in _calls(message)):
        if not isinstance(json.loads(call["function"]["arguments"]), dict):
            return "Value is not a struct: function_call.args"
    return None


def strings(_p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """DeepSeek and older templates: `invalid type: sequence, expected a string`."""
    return [m for m in messages if isinstance(m["content"], list)] and "expected a string"


def no_lone_halves(_p: StrictProvider, body: Mapping[str, Any], _m: list[Message]) -> object:
    """Everybody whose JSON is of valid UTF-8."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "invalid unicode code point"
    return None


def reasoned(p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Moonshot and DeepSeek (https://api-docs.deepseek.com/guides/thinking_mode): with each call
    comes its reasoning. Stricter than they are: the very same."""
    for at, message in enumerate(messages):
        calls = _calls(message)
        given = message.get(str(p.manners.thinks))
        if calls and not given:
            return f"reasoning_content is missing in assistant tool call message at index {at}"
        if calls and p.thoughts.get(calls[0]["id"], given) != given:
            return f"the reasoning at index {at} is not the one that was given"
    return None


def signed(p: StrictProvider, _b: Mapping[str, Any], messages: list[Message]) -> object:
    """Gemini 3 (https://ai.google.dev/gemini-api/docs/thought-signatures): the first call of each
    step has its signature, or says that there is none. Stricter: not of the current turn alone."""
    for at, message in enumerate(messages):
        for first in _calls(message)[:1]:
            has = first.get("extra_content", {}).get("google", {}).get("thought_signature")
            if has not in (p.signatures.get(first["id"]), _PLACEHOLDER) or not has:
                return f"Function call is missing a thought_signature, position {at}."
            if first["id"] in p.signatures and has == _PLACEHOLDER:
                return f"The thought_signature of position {at} was given."
    return None


def with_its_reasoning(p: StrictProvider, body: Mapping[str, Any], _m: list[Message]) -> object:
    """Responses: a call comes with the reasoning item before it, and a reasoning item with what
    followed it (`was provided without its required 'reasoning' item`, OpenAI; gpt-oss on vLLM)."""
    given = body["input"]
    known = {item["id"] for item in given if item.get("type") == "reasoning"}
    for item, after in zip(given, [*given[1:], {}], strict=True):
        if item.get("type") == "reasoning" and after.get("type") not in (
            "function_call",
            "message",
        ):
            return f"Item '{item['id']}' was provided without its required following item."
        if p.thoughts.get(item.get("call_id"), item.get("id")) not in {*known, item.get("id")}:
            return f"Item '{item['call_id']}' was provided without its required 'reasoning' item."
    return None


def without(name: str, body: Callable[[str], object]) -> Rule:
    """A parameter that is not taken, as its provider says so."""

    def rule(_p: StrictProvider, given: Mapping[str, Any], _m: list[Message]) -> object:
        return body(name) if name in given else None

    return rule


def _unsupported(name: str) -> object:
    """OpenAI's and Azure's reasoning models."""
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return {"error": {"message": message, "param": name, "code": "unsupported_parameter"}}


def _extra(name: str) -> object:
    """Mistral's API, which is FastAPI."""
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]}


def _unknown(name: str) -> object:
    """Google's."""
    message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


_EVERYWHERE: Final = (
    knows_roles,
    system_first,
    alternates,
    takes_turns,
    pairs,
    unique_ids,
    objects,
)

PROVIDERS: Final = {
    "Mistral": Manners(
        "mistral-small",
        (
            *_EVERYWHERE,
            mistral_order,
            ids_of_nine,
            no_lone_halves,
            without("stream_options", _extra),
        ),
        short_ids=True,
    ),
    "vLLM with a template of Mistral's": Manners("house-model", (*_EVERYWHERE, ids_of_nine)),
    "DeepSeek": Manners(
        "deepseek-v4", (*_EVERYWHERE, strings, reasoned), thinks="reasoning_content"
    ),
    "Moonshot": Manners("kimi-k2.6", (*_EVERYWHERE, reasoned), thinks="reasoning_content"),
    "OpenRouter": Manners("thinker", (*_EVERYWHERE, no_lone_halves), thinks="reasoning"),
    "Gemini": Manners(
        "gemini-3-flash",
        (*_EVERYWHERE, signed, without("parallel_tool_calls", _unknown)),
        signs=True,
    ),
    "OpenAI": Manners(
        "gpt-5.6", (pairs, ids_up_to_forty, no_lone_halves, without("max_tokens", _unsupported))
    ),
    "gpt-oss on vLLM": Manners("gpt-oss", (*_EVERYWHERE, with_its_reasoning), thinks="items"),
    "Qwen on llama.cpp": Manners("qwen3.8", (*_EVERYWHERE, mistral_order, no_lone_halves)),
}
"""Whose rules, and what is sent to be refused at first and learnt."""


@asynccontextmanager
async def imitation(manners: Manners, model_url: str) -> AsyncIterator[StrictProvider]:
    """Run an imitation before the scripted model at `model_url`."""
    provider = StrictProvider(manners)
    async with httpx2.AsyncClient(timeout=60) as http:

        async def answer(request: Request) -> Response:
            raw = await request.body()
            body = json.loads(raw.decode())
            provider.requests.append(body)
            if wrong := provider.refusal(body):
                provider.refusals.append(wrong)
                document = (
                    wrong if isinstance(wrong, dict | list) else {"error": {"message": wrong}}
                )
                return JSONResponse(document, 400)
            path = request.url.path.removeprefix("/v1")
            asking = http.build_request(
                "POST",
                f"{model_url.rstrip('/')}{path}",
                json=body,
                headers={"authorization": request.headers["authorization"]},
            )
            upstream = await http.send(asking, stream=True)

            async def dressed() -> AsyncIterator[str]:
                try:
                    async for line in upstream.aiter_lines():
                        yield f"{_dressed(provider, line)}\n"
                finally:
                    await upstream.aclose()

            kind = upstream.headers["content-type"]
            return StreamingResponse(dressed(), upstream.status_code, media_type=kind)

        app = Starlette(
            routes=[
                Route("/v1/chat/completions", answer, methods=["POST"]),
                Route("/v1/responses", answer, methods=["POST"]),
            ]
        )
        async with serve(app) as url:
            provider.url = f"{url}/v1"
            yield provider


def _dressed(provider: StrictProvider, line: str) -> str:
    """A line of the scripted model's stream as this provider would have written it."""
    if not line.startswith("data: {"):
        return line
    chunk = json.loads(line.removeprefix("data: "))
    if provider.manners.thinks == "items" and chunk.get("type") == "response.completed":
        _think(provider, chunk["response"])
    for choice in chunk.get("choices") or ():
        for call in choice["delta"].get("tool_calls") or ():
            if "id" in call:
                _dress(provider, choice["delta"], call)
    return f"data: {json.dumps(chunk)}"


def _think(provider: StrictProvider, response: dict[str, Any]) -> None:
    """Put a reasoning item before a response's output."""
    thought_id = f"rs_{response['id']}"
    for item in response["output"]:
        if item["type"] == "function_call":
            provider.thoughts[item["call_id"]] = thought_id
    response["output"].insert(0, {"type": "reasoning", "id": thought_id, "summary": []})


def _dress(provider: StrictProvider, delta: dict[str, Any], call: dict[str, Any]) -> None:
    """Give a call the provider's form of id, and the first of a step its thought and signature."""
    manners = provider.manners
    if manners.short_ids:
        call["id"] = sha256(call["id"].encode()).hexdigest()[:9]
    if call["index"] != 0:
        return
    if manners.thinks:
        thought = f"I call {call['function']['name']}."
        delta[manners.thinks] = provider.thoughts[call["id"]] = thought
    if manners.signs:
        signature = f"signature of {call['id']}"
        provider.signatures[call["id"]] = signature
        call["extra_content"] = {"google": {"thought_signature": signature}}
