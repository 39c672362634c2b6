"""A real model on a real server: small enough to say odd things, and to be cut anywhere."""

from chatkit.types import (
    AssistantMessageItem,
    ErrorEvent,
    NoticeEvent,
    UserMessageItem,
    WorkflowItem,
)

from sidestream.local.system import LocalSystem
from tests.chat.client import create_request, delta_of
from tests.providers.conftest import Chat, ModelServer, until_logged
from tests.tickets import tickets_of

MODEL = "smollm2"
OUR_SIDE = b"on our side"


async def test_it_calls_a_tool(system: LocalSystem, chat: Chat, llama: ModelServer) -> None:
    async with chat(llama, MODEL, MAX_OUTPUT_TOKENS="64") as alice:
        answer = await alice.create("Add a ticket about the broken printer")
        assert answer.errors == []
        (workflow,) = answer.done(WorkflowItem)
        assert [line.title for line in workflow.workflow.tasks] == ["Open a ticket"]
        assert [ticket["subject"] for ticket in await tickets_of(system, alice)] == [
            "the broken printer"
        ]


async def test_a_stop_reaches_the_server(chat: Chat, endless_llama: ModelServer) -> None:
    async with chat(endless_llama, MODEL, MAX_OUTPUT_TOKENS="6000") as alice:
        async with alice.stream(create_request("Tell me a story about a river")) as stream:
            await stream.until(lambda frame: delta_of(frame) is not None)
            await alice.http.post(f"/api/chatkit/threads/{stream.thread_id}/stop")
            await stream.rest()
        await until_logged(endless_llama, "cancel task")
        items = await alice.items(stream.thread_id)
        assert any(isinstance(item, AssistantMessageItem) for item in items)


async def test_a_call_that_is_cut_does_nothing_and_the_thread_goes_on(
    system: LocalSystem, chat: Chat, llama: ModelServer
) -> None:
    async with chat(llama, MODEL, MAX_OUTPUT_TOKENS="16") as alice:
        cut = await alice.create("Add a ticket about the broken printer")
        assert await tickets_of(system, alice) == []
        # Over Responses the server says "completed": then the call is one that did not work.
        told = [frame for frame in cut.frames if isinstance(frame, ErrorEvent | NoticeEvent)]
        assert told or b"Open a ticket: did not work" in cut.body
        assert OUR_SIDE not in cut.body
        after = await alice.add(cut.thread_id, "Hello")
        assert OUR_SIDE not in after.body
        # The server took it. Whether it speaks or calls again, to be cut again, is the model's own.
        assert after.text or b"Open a ticket: did not work" in after.body


async def test_ten_messages_in_one_thread(chat: Chat, llama: ModelServer) -> None:
    words = [
        "Hello",
        "Add a ticket about the lamp",
        "What is a ticket?",
        "Add a ticket about the window and one about the roof",
        "Delete all my tickets",
        "یہ کیا ہے؟",
        "Add a ticket about the garden",
        "Thanks",
        "Show my tickets",
        "Bye",
    ]
    async with chat(llama, MODEL, MAX_OUTPUT_TOKENS="48") as alice:
        first = await alice.create(words[0])
        answers = [first, *[await alice.add(first.thread_id, said) for said in words[1:]]]
        for said, answer in zip(words, answers, strict=True):
            assert OUR_SIDE not in answer.body, said
        items = await alice.items(first.thread_id)
        assert sum(isinstance(item, UserMessageItem) for item in items) == len(words)
        last = await alice.add(first.thread_id, "Hello")
        assert last.text
