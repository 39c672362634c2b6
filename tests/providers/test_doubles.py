"""CopilotKit's double of providers, and LiteLLM's proxy in front of it: over both APIs, what they
send is told and shown, kept, and understood."""

import pytest
from chatkit.types import CustomTask, ErrorEvent, NoticeEvent, WorkflowItem

from sidestream.local.system import LocalSystem
from tests.providers.conftest import Chat, ModelServer
from tests.tickets import tickets_of

HELLO = "Hello! What shall we do? سلام 🙂"


@pytest.fixture(params=["aimock", "litellm"])
def server(request: pytest.FixtureRequest) -> ModelServer:
    """Either server."""
    found: ModelServer = request.getfixturevalue(request.param)
    return found


async def test_words(chat: Chat, server: ModelServer) -> None:
    async with chat(server, "m") as alice:
        answer = await alice.create("Hello")
        assert (answer.text, answer.errors) == (HELLO, [])
        assert "".join(answer.deltas) == HELLO
        assert len(answer.deltas) > 1


@pytest.mark.parametrize(
    ("said", "subjects"),
    [
        ("a call, then words", ["the door"]),
        ("words, then a call", ["the door"]),
        ("two calls", ["the door", "the window"]),
    ],
)
async def test_calls_are_made_shown_and_remembered(
    system: LocalSystem, chat: Chat, server: ModelServer, said: str, subjects: list[str]
) -> None:
    async with chat(server, "m") as alice:
        answer = await alice.create(said)
        assert answer.errors == []
        assert answer.text.endswith("It is done.")
        lines = [line for item in answer.done(WorkflowItem) for line in item.workflow.tasks]
        shown = [line.content for line in lines if isinstance(line, CustomTask)]
        assert sorted(filter(None, shown)) == subjects
        assert sorted(ticket["subject"] for ticket in await tickets_of(system, alice)) == subjects
        again = await alice.add(answer.thread_id, "Hello")
        assert (again.text, again.errors) == (HELLO, [])


@pytest.mark.parametrize(
    ("said", "kept"),
    [("cut by its length", "Cut in the mid"), ("filtered", "I would"), ("no quota", "")],
)
async def test_an_answer_that_is_not_whole_says_so_and_the_thread_goes_on(
    chat: Chat, server: ModelServer, said: str, kept: str
) -> None:
    async with chat(server, "m") as alice:
        answer = await alice.create(said)
        assert answer.text == kept
        assert [frame for frame in answer.frames if isinstance(frame, ErrorEvent | NoticeEvent)]
        assert b"on our side" not in answer.body
        again = await alice.add(answer.thread_id, "Hello")
        assert (again.text, again.errors) == (HELLO, [])


@pytest.mark.parametrize("api", ["chat_completions"], indirect=True)
async def test_an_end_that_nobody_knows_is_no_good_end(chat: Chat, aimock: ModelServer) -> None:
    """The double has no such end on Responses, and LiteLLM makes a good one of it."""
    async with chat(aimock, "m") as alice:
        answer = await alice.create("an unknown end")
        assert answer.text == "Cut by"
        (error,) = answer.errors
        assert error.allow_retry


async def test_a_refusal_for_the_moment_is_tried_again(
    chat: Chat, aimock: ModelServer, api: str
) -> None:
    async with chat(aimock, "m") as alice:
        answer = await alice.create(f"too many, {api}")
        assert (answer.text, answer.errors) == ("Here I am.", [])
