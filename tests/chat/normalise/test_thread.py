"""The same thread, whichever way a response comes: through the model, the agent and the answer.

The whole path of a run, from the provider's bytes to the items of the thread, without a socket: the
HTTP client's transport and the tools are canned.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from chatkit.types import (
    AssistantMessageItem,
    HiddenContextItem,
    InferenceOptions,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
    WorkflowItem,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from examples.tickets.pack import DOMAIN
from sidestream.chat.context import RunContext, RunState
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.model.agent import build_agent
from sidestream.chat.model.provider import build_provider
from sidestream.chat.runs.respond import Responder
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.cards import Cards
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.server import McpClient, ToolResult
from sidestream.chat.tools.sources import DomainTools
from sidestream.config import ChatSettings
from tests.chat.fold import Screen, fold
from tests.chat.normalise.recordings import (
    ALL,
    CALLS,
    HELLO,
    PRINTER,
    TICKET,
    Document,
    Recording,
    call,
    called,
    function_call,
    over,
    spoken,
    words,
)
from tests.chat.normalise.test_reading import body_of, merged, pieces

ANSWER = "That is it."
MAX_CHUNK_BYTES = 60
LONG = 50


@dataclass(slots=True)
class Run:
    """A run that has been played: what a client saw, and what the provider was asked."""

    screen: Screen
    requests: list[Document]
    run: RunState

    @property
    def thread(self) -> list[Any]:
        """The thread without what differs from run to run: ids and times."""
        return [_told(item) for item in self.screen.items]


def _told(item: ThreadItem) -> Any:
    match item:
        case AssistantMessageItem():
            return "".join(part.text for part in item.content)
        case WorkflowItem():
            return sorted(str(task) for task in item.workflow.tasks)
        case HiddenContextItem(content={"calls": calls}):
            return sorted((call["name"], call["arguments"], call["output"]) for call in calls)
        case _:
            return item.type


@dataclass
class _Provider:
    """Plays bodies, one for each request."""

    bodies: list[list[bytes]]
    requests: list[Document] = field(default_factory=list)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(request.content))
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        for piece in self.bodies.pop(0):
            yield piece


class _Tools(McpClient):
    """A tool server that does what it is told."""

    def __init__(self) -> None:
        """Open nothing."""

    async def call(self, name: str, arguments: Document, **_: Any) -> ToolResult:
        result: Document = {"id": "tck_1", **arguments}
        if name == "list_tickets":
            result = {"data": [], "has_more": False}
        return ToolResult(json.dumps(result), failed=False, content=result)


async def play(api: str, *bodies: Sequence[bytes], lag: int = 0) -> Run:
    """Play a run whose responses are some bodies, each in its pieces. Whoever follows it takes
    `lag` turns of the loop with each frame, as one does that saves it."""
    settings = ChatSettings.model_construct(
        **{
            name: info.get_default(call_default_factory=True)
            for name, info in ChatSettings.model_fields.items()
        }
        | {"model_api": api, "model": "any", "model_max_retries": 0}
    )
    tools = Toolbox(ToolRegistry(DOMAIN, [DomainTools(DOMAIN, _Tools())]), settings)
    provider = _Provider([list(body) for body in bodies])
    now = datetime.now(UTC)
    thread = ThreadMetadata(id="thr_1", created_at=now)
    asked = UserMessageItem(
        id="msg_1",
        thread_id=thread.id,
        created_at=now,
        content=[UserMessageTextContent(text="Please.")],
        attachments=[],
        inference_options=InferenceOptions(),
    )
    run = RunState(history=(asked,))
    async with AsyncOpenAI(
        api_key="none",
        base_url="http://none.invalid/v1",
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(provider.answer)),
        max_retries=0,
    ) as client:
        responder = Responder(
            tools,
            Cards(DOMAIN),
            build_agent(tools, settings),
            build_provider(client, settings),
            AttachmentFiles(settings),
            settings,
        )
        context = RunContext(user_id="alice", run_id="run_1", run=run)
        frames = []
        async for frame in responder.respond(thread, None, context):
            frames.append(frame)
            for _ in range(lag):
                await asyncio.sleep(0)
    return Run(fold(frames), provider.requests, run)


def answered(api: str) -> list[bytes]:
    """The body of a last response."""
    if api == "chat_completions":
        return [body_of(words(ANSWER, end="stop"), is_done=True)]
    part = {"type": "output_text", "text": ANSWER}
    item = {"type": "message", "id": "msg_9", "content": [part]}
    return [body_of([{"object": "response", "output": [item]}], is_done=False)]


PLAYED = [recording for recording in ALL if not recording.used_ids]


@pytest.mark.parametrize("recording", PLAYED, ids=str)
@settings(max_examples=4)
@given(data=st.data())
async def test_order_and_pieces_change_no_thread(recording: Recording, data: st.DataObject) -> None:
    plain = body_of(merged(recording, ()), is_done=recording.is_done)
    expected = await play(recording.api, [plain], answered(recording.api))
    chosen = data.draw(st.lists(st.integers(0, 5), max_size=12), "channels")
    sizes = data.draw(st.lists(st.integers(1, MAX_CHUNK_BYTES), max_size=60), "pieces")
    body = body_of(merged(recording, chosen), is_done=recording.is_done)
    lag = data.draw(st.sampled_from([0, 1, LONG]), "lag")
    run = await play(recording.api, list(pieces(body, sizes)), answered(recording.api), lag=lag)
    assert run.thread == expected.thread
    assert [e.message for e in run.screen.errors] == [e.message for e in expected.screen.errors]
    assert run.screen.notices == expected.screen.notices
    assert len(run.screen.effects) == len(expected.screen.effects)
    assert len(run.requests) == len(expected.requests)
    assert run.screen.unfinished == frozenset()


@pytest.mark.parametrize("lag", [0, LONG])
@pytest.mark.parametrize("packets", [1, 40])
@pytest.mark.parametrize("api", ["chat_completions", "responses"])
async def test_a_call_that_comes_fast_behind_words(api: str, packets: int, lag: int) -> None:
    """It is shown, told to the page and remembered, as a slow one is, though it has long been made
    when somebody hears of it."""
    if api == "responses":
        documents = [*spoken(0, "Hello ", "there."), *called(1, TICKET, PRINTER), over()]
    else:
        documents = [*HELLO, call("add_ticket", PRINTER, index=0, id="c1"), *CALLS]
    body = body_of(documents, is_done=True)
    size = -(-len(body) // packets)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    run = await play(api, chunks, answered(api), lag=lag)
    kinds = [item.type for item in run.screen.items]
    assert kinds == ["assistant_message", "workflow", "hidden_context_item", "assistant_message"]
    assert len(run.screen.effects) == 1
    assert [record.failed for record in run.run.records] == [False]


@pytest.mark.parametrize("lag", [0, LONG])
@pytest.mark.parametrize("api", ["chat_completions", "responses"])
async def test_words_beside_two_calls_that_ask(api: str, lag: int) -> None:
    """What was said beside them stays, though they are held by the time that somebody hears it."""
    ids = ('{"ticket_id": "tck_1"}', '{"ticket_id": "tck_2"}')
    if api == "responses":
        items = [function_call("delete_ticket", told, f"call_{told[-4]}") for told in ids]
        calls = [event for place, item in enumerate(items) for event in called(place, item)]
        documents = [*calls, *spoken(2, "Hello ", "there."), over()]
    else:
        calls = [call("delete_ticket", told, index=n, id=f"c{n}") for n, told in enumerate(ids)]
        documents = [*calls, *HELLO, *CALLS]
    run = await play(api, [body_of(documents, is_done=True)], answered(api), lag=lag)
    assert [item.type for item in run.screen.items] == [
        *("assistant_message", "workflow", "hidden_context_item", "hidden_context_item"),
        "structured_input",
    ]
    assert run.thread[0] == "Hello there."
    assert len(run.requests) == 1
