import pytest
from chatkit.types import FeedbackKind
from tests.store.conformance import a_message, a_thread

from sidestream.caller import Caller
from sidestream.store.codec import RowNotFound
from sidestream.store.database import Database, Statement
from sidestream.store.feedback import Feedback
from sidestream.store.threads import PostgresStore


@pytest.fixture
def feedback(database: Database) -> Feedback:
    return Feedback(database)


@pytest.fixture
async def thread_id(database: Database, caller: Caller) -> str:
    """A thread of the caller with the items msg_1 and msg_2."""
    store, thread = PostgresStore(database), a_thread()
    await store.save_thread(thread, caller)
    for item_id in ("msg_1", "msg_2"):
        await store.add_thread_item(thread.id, a_message(thread.id, id=item_id), caller)
    return thread.id


async def kept(database: Database, caller: Caller) -> dict[str, FeedbackKind]:
    [rows] = await database.run(caller.user_id, Statement("select item_id, kind from feedback"))
    return {row["item_id"]: row["kind"] for row in rows}


async def test_the_last_word_counts(
    feedback: Feedback, database: Database, caller: Caller, thread_id: str
) -> None:
    await feedback.save(caller, thread_id, ["msg_1", "msg_2", "msg_1"], "positive")
    await feedback.save(caller, thread_id, ["msg_2"], "negative")
    assert await kept(database, caller) == {"msg_1": "positive", "msg_2": "negative"}


@pytest.mark.parametrize("item_ids", [["msg_1", "msg_none"], ["msg_none"], []])
async def test_one_unknown_item_keeps_all_of_it_out(
    feedback: Feedback, database: Database, caller: Caller, thread_id: str, item_ids: list[str]
) -> None:
    with pytest.raises(RowNotFound):
        await feedback.save(caller, thread_id, item_ids, "positive")
    assert await kept(database, caller) == {}


async def test_another_users_items(
    feedback: Feedback, database: Database, caller: Caller, stranger: Caller, thread_id: str
) -> None:
    await feedback.save(caller, thread_id, ["msg_1"], "positive")
    with pytest.raises(RowNotFound):
        await feedback.save(stranger, thread_id, ["msg_1"], "negative")
    assert await kept(database, caller) == {"msg_1": "positive"}
    assert await kept(database, stranger) == {}


async def test_it_goes_with_its_thread(
    feedback: Feedback, database: Database, caller: Caller, thread_id: str
) -> None:
    await feedback.save(caller, thread_id, ["msg_1"], "positive")
    await PostgresStore(database).delete_thread(thread_id, caller)
    assert await kept(database, caller) == {}
