"""A client that leaves in the middle of an answer: the run finishes and is saved all the same."""

from chatkit.types import AssistantMessageItem

from sidestream.config import ChatSettings
from sidestream.local.model import ScriptedModelServer
from tests.chat.client import Client, create_request, delta_of, words
from tests.chat.conftest import MakePerson, Rows, TicketList, UvicornChat, under_uvicorn
from tests.chat.until import until
from tests.tickets import open_all

STORY = "Tell me a story of 60 words"


async def _leave(client: Client, model: ScriptedModelServer) -> tuple[str, str]:
    """Ask for a story, read some of it and go. Gives thread and run."""
    model.hold(after_words=5)
    async with client.stream(create_request(STORY)) as stream:
        await stream.until(delta_of)
        await model.until(lambda: model.held_streams == 1)
    return stream.thread_id, stream.run_id


async def _finished(client: Client, thread_id: str, run_id: str, rows: Rows) -> None:
    async def ended() -> bool:
        [run] = await rows("select status from runs where id = %s", run_id)
        assert run["status"] in {"running", "completed"}
        return bool(run["status"] == "completed")

    await until(ended)
    [_, message] = await client.items(thread_id)
    assert isinstance(message, AssistantMessageItem)
    assert len(words(message).split()) == 60


async def test_run_is_finished_by_the_function(
    alice: Client, model: ScriptedModelServer, rows: Rows
) -> None:
    thread_id, run_id = await _leave(alice, model)
    model.release()
    await _finished(alice, thread_id, run_id, rows)
    assert (await alice.add(thread_id, "hello")).text


async def test_run_is_finished_under_uvicorn(
    uvicorn_chat: UvicornChat, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    async with Client(uvicorn_chat.url, person().token) as client:
        thread_id, run_id = await _leave(client, model)
        model.release()
        await _finished(client, thread_id, run_id, rows)
        assert (await client.add(thread_id, "hello")).text


async def test_server_that_ends_lets_the_run_finish(
    chat_settings: ChatSettings, person: MakePerson, model: ScriptedModelServer, rows: Rows
) -> None:
    someone = person()
    async with under_uvicorn(chat_settings) as chat, Client(chat.url, someone.token) as client:
        thread_id, run_id = await _leave(client, model)
        model.release()
    await _finished(someone, thread_id, run_id, rows)


async def test_tools_are_called_for_a_client_that_left(
    alice: Client, tickets: TicketList, rows: Rows
) -> None:
    async with alice.stream(create_request(open_all("printer"))) as stream:
        pass

    async def ended() -> bool:
        [run] = await rows("select status from runs where id = %s", stream.run_id)
        return bool(run["status"] == "completed")

    await until(ended)
    assert [ticket["subject"] for ticket in await tickets(alice)] == ["printer"]
    kinds = [item.type for item in await alice.items(stream.thread_id)]
    assert kinds == ["user_message", "workflow", "assistant_message"]
