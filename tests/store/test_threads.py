from itertools import pairwise

import psycopg
import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    HiddenContextItem,
    ThreadMetadata,
    UserMessageTextContent,
)
from tests.store.conformance import StoreConformance, a_message, a_thread, an_attachment

from sidestream.caller import Caller
from sidestream.problems import DatabaseUnavailable, Invalid, UnknownCursor
from sidestream.store.codec import RowNotFound
from sidestream.store.database import Database, Statement
from sidestream.store.removal import REMOVE_ITEM
from sidestream.store.threads import PostgresStore


class _Postgres(StoreConformance[Caller]):
    @pytest.fixture
    def store(self, database: Database) -> PostgresStore:
        return PostgresStore(database)

    @pytest.fixture
    def context(self, caller: Caller) -> Caller:
        return caller

    @pytest.fixture
    def other_context(self, stranger: Caller) -> Caller:
        return stranger


class TestConformance(_Postgres):
    pass


class TestConformanceThroughPgBouncer(_Postgres):
    @pytest.fixture
    def store(self, pooled_database: Database) -> PostgresStore:
        return PostgresStore(pooled_database)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


async def test_a_page_after_a_row_that_never_was_or_is_another_users(
    store: PostgresStore, caller: Caller, stranger: Caller
) -> None:
    thread, foreign, gone = a_thread(), a_thread(), a_thread()
    for user, each in ((caller, thread), (stranger, foreign), (caller, gone)):
        await store.save_thread(each, user)
        await store.add_thread_item(each.id, a_message(each.id), user)
    [foreign_item] = (await store.load_thread_items(foreign.id, None, 1, "asc", stranger)).data
    await store.delete_thread(gone.id, caller)
    for after in (gone.id, foreign.id, "thr_none"):
        with pytest.raises(UnknownCursor):
            await store.load_threads(20, after, "desc", caller)
    for after in (foreign_item.id, "msg_none"):
        with pytest.raises(UnknownCursor):
            await store.load_thread_items(thread.id, after, 20, "asc", caller)
        with pytest.raises(RowNotFound):
            await store.load_thread_items(gone.id, after, 20, "asc", caller)


@pytest.mark.parametrize("text", ["a\0b", "\\\0", "half \ud83d pair"])
class TestTextThatPostgresCannotHold:
    async def test_in_an_item(self, store: PostgresStore, caller: Caller, text: str) -> None:
        thread = a_thread()
        await store.save_thread(thread, caller)
        for item in (
            a_message(thread.id, text),
            a_message(thread.id, id=text),
            HiddenContextItem(
                id="hc_1",
                thread_id=thread.id,
                created_at=thread.created_at,
                content={"deep": [{text: 1}]},
            ),
        ):
            with pytest.raises(Invalid):
                await store.add_thread_item(thread.id, item, caller)
        assert (await store.load_thread_items(thread.id, None, 20, "asc", caller)).data == []

    async def test_in_a_thread_or_an_attachment(
        self, store: PostgresStore, caller: Caller, text: str
    ) -> None:
        with pytest.raises(Invalid):
            await store.save_thread(a_thread(title=text), caller)
        with pytest.raises(Invalid):
            await store.save_thread(a_thread(metadata={"k": [text]}), caller)
        with pytest.raises(Invalid):
            await store.save_attachment(an_attachment(name=text), caller)
        assert (await store.load_threads(20, None, "asc", caller)).data == []

    async def test_in_an_id_that_is_looked_up(
        self, store: PostgresStore, caller: Caller, text: str
    ) -> None:
        with pytest.raises(Invalid):
            await store.load_thread(text, caller)
        with pytest.raises(Invalid):
            await store.load_threads(20, text, "asc", caller)


async def test_ten_thousand_items_page_in_order(
    store: PostgresStore, caller: Caller, owner_url: str
) -> None:
    thread = a_thread()
    await store.save_thread(thread, caller)
    template = a_message(thread.id, id="ID").model_dump_json()
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "insert into thread_items (thread_id, id, user_id, type, created_at, data)"
            " select %s, 'msg_' || n, %s, 'user_message', now(),"
            "   replace(%s, 'ID', 'msg_' || n)::json from generate_series(1, 10000) as n",
            (thread.id, caller.user_id, template),
        )
    suite = TestConformance()
    forward = await suite.collect_items(store, thread.id, "asc", 100, caller)
    backward = await suite.collect_items(store, thread.id, "desc", 100, caller)
    assert forward == [f"msg_{number}" for number in range(1, 10_001)]
    assert backward == forward[::-1]


async def test_a_thread_that_is_written_to_comes_first(
    store: PostgresStore, caller: Caller
) -> None:
    first, second = a_thread(), a_thread()
    for thread in (first, second):
        await store.save_thread(thread, caller)
    await store.add_thread_item(first.id, a_message(first.id), caller)
    page = await store.load_threads(20, None, "desc", caller)
    assert [thread.id for thread in page.data] == [first.id, second.id]


async def test_each_call_is_one_round_trip(
    store: PostgresStore, database: Database, caller: Caller
) -> None:
    thread, attachment = a_thread(), an_attachment()
    item = a_message(thread.id)
    trips = [database.round_trips]
    for call in (
        lambda: store.save_thread(thread, caller),
        lambda: store.add_thread_item(thread.id, item, caller),
        lambda: store.save_item(thread.id, item, caller),
        lambda: store.load_thread_items(thread.id, item.id, 20, "asc", caller),
        lambda: store.load_threads(20, thread.id, "asc", caller),
        lambda: store.save_attachment(attachment, caller),
        lambda: store.delete_thread(thread.id, caller),
    ):
        await call()
        trips.append(database.round_trips)
    assert [after - before for before, after in pairwise(trips)] == [1] * 7


async def test_the_attachments_of_a_thread(
    store: PostgresStore, caller: Caller, stranger: Caller
) -> None:
    thread = a_thread()
    await store.save_thread(thread, caller)
    attachments = [an_attachment(thread_id=thread.id) for _ in range(2)]
    for attachment in attachments:
        await store.save_attachment(attachment, caller)
    await store.save_attachment(an_attachment(), caller)
    assert await store.load_thread_attachments(thread.id, caller) == attachments
    assert await store.load_thread_attachments(thread.id, stranger) == []


async def test_sql_readers_see_sessions_and_messages(
    store: PostgresStore, database: Database, caller: Caller, stranger: Caller
) -> None:
    thread = a_thread(title="Groceries", metadata={"a": 1})
    await store.save_thread(thread, caller)
    question = a_message(thread.id, "دودھ")
    question.content.append(UserMessageTextContent(text="milk"))
    question.quoted_text = "q"
    answer = AssistantMessageItem(
        id="msg_answer",
        thread_id=thread.id,
        created_at=thread.created_at,
        content=[AssistantMessageContent(text="Added.")],
    )
    hidden = HiddenContextItem(
        id="hc", thread_id=thread.id, created_at=thread.created_at, content={}
    )
    for item in (question, hidden, answer):
        await store.add_thread_item(thread.id, item, caller)
    sessions, messages = await database.run(
        caller.user_id,
        Statement("select * from chat_sessions"),
        Statement("select * from chat_messages"),
    )
    [session] = sessions
    assert list(session) == [
        "session_id", "user_id", "title", "created_at", "updated_at", "metadata",
    ]  # fmt: skip
    assert (session["session_id"], session["title"]) == (thread.id, "Groceries")
    assert session["metadata"] == {"a": 1}
    assert list(messages[0]) == [
        "message_id", "session_id", "user_id", "content", "sender_type", "sender_name",
        "timestamp", "metadata",
    ]  # fmt: skip
    assert [(row["content"], row["sender_type"]) for row in messages] == [
        ("دودھ\nmilk", "user"),
        ("Added.", "assistant"),
    ]
    assert messages[0]["metadata"]["quoted_text"] == "q"
    views = "select 1 from chat_sessions", "select 1 from chat_messages"
    assert await database.run(stranger.user_id, *map(Statement, views)) == [[], []]


class TestDeleteItems:
    async def thread_of(self, store: PostgresStore, caller: Caller, *ids: str) -> str:
        thread = a_thread()
        await store.save_thread(thread, caller)
        for item_id in ids:
            await store.add_thread_item(thread.id, a_message(thread.id, id=item_id), caller)
        return thread.id

    async def ids(self, store: PostgresStore, thread_id: str, caller: Caller) -> list[str]:
        page = await store.load_thread_items(thread_id, None, 100, "asc", caller)
        return [item.id for item in page.data]

    @pytest.mark.parametrize(
        ("after", "through", "left"),
        [
            ("b", "d", "abe"),
            ("a", "e", "a"),
            ("b", "b", "abcde"),
            ("d", "b", "abcde"),
            ("gone", "d", "abcde"),
            ("b", "gone", "abcde"),
        ],
    )
    async def test_between_two(
        self, store: PostgresStore, caller: Caller, after: str, through: str, left: str
    ) -> None:
        thread_id = await self.thread_of(store, caller, *"abcde")
        other = await self.thread_of(store, caller, *"abcde")
        for _ in range(2):
            await store.delete_items(thread_id, caller, after=after, through=through)
            assert await self.ids(store, thread_id, caller) == list(left)
        assert await self.ids(store, other, caller) == list("abcde")

    async def test_all_or_none(
        self, app_url: str, owner_url: str, store: PostgresStore, caller: Caller
    ) -> None:
        """It meets a row that it may not delete yet, and is ended there."""
        thread_id = await self.thread_of(store, caller, *"abcde")
        impatient = Database(app_url, answer_timeout_s=0.5)
        await impatient.open()
        with psycopg.connect(owner_url) as owner:
            locked = "select from thread_items where thread_id = %s and id = 'd' for update"
            owner.execute(locked, (thread_id,))
            with pytest.raises(DatabaseUnavailable):
                await PostgresStore(impatient).delete_items(
                    thread_id, caller, after="a", through="e"
                )
        await impatient.close()
        assert await self.ids(store, thread_id, caller) == list("abcde")


class TestFilesOfRemovedItems:
    """A file is nobody's once the last message that shows it is gone."""

    @pytest.fixture
    async def thread(self, store: PostgresStore, caller: Caller) -> ThreadMetadata:
        """A thread of four messages: the first shows `a`, then `a` and `b`, then `b` and `c`."""
        thread = a_thread()
        await store.save_thread(thread, caller)
        files = {n: an_attachment(id=f"atc_{n}_{thread.id}", thread_id=thread.id) for n in "abc"}
        for file in files.values():
            await store.save_attachment(file, caller)
        for n, shown in enumerate(("a", "ab", "bc", "")):
            message = a_message(thread.id, id=f"msg_{n}", attachments=[files[s] for s in shown])
            await store.add_thread_item(thread.id, message, caller)
        return thread

    @staticmethod
    async def taken(store: PostgresStore, thread: ThreadMetadata, caller: Caller) -> str:
        """The files that are the thread's still."""
        left = await store.load_thread_attachments(thread.id, caller)
        loaded = [await store.load_attachment(f"atc_{n}_{thread.id}", caller) for n in "abc"]
        named = {file.id for file in loaded if file.thread_id == thread.id}
        assert named == {file.id for file in left}
        return "".join(sorted(name.split("_")[1] for name in named))

    @pytest.mark.parametrize(
        ("after", "through", "left"),
        [("msg_0", "msg_3", "a"), ("msg_1", "msg_3", "ab"), ("msg_2", "msg_3", "abc")],
    )
    async def test_of_many(
        self,
        store: PostgresStore,
        thread: ThreadMetadata,
        caller: Caller,
        after: str,
        through: str,
        left: str,
    ) -> None:
        await store.delete_items(thread.id, caller, after=after, through=through)
        assert await self.taken(store, thread, caller) == left

    async def test_of_one_after_the_other(
        self, store: PostgresStore, thread: ThreadMetadata, caller: Caller, stranger: Caller
    ) -> None:
        for item_id, left in (("msg_0", "abc"), ("msg_2", "ab"), ("msg_1", "")):
            await store.delete_thread_item(thread.id, item_id, stranger)
            await store.delete_thread_item(thread.id, item_id, caller)
            assert await self.taken(store, thread, caller) == left

    async def test_of_a_run_that_is_over(
        self, store: PostgresStore, thread: ThreadMetadata, caller: Caller, database: Database
    ) -> None:
        params = {"user": caller.user_id, "thread": thread.id, "run": "run_over"}
        remove = Statement(REMOVE_ITEM, {**params, "item": "msg_2"})
        await database.run(caller.user_id, remove)
        assert await self.taken(store, thread, caller) == "abc"


def test_the_error_is_a_404_and_what_chatkit_catches() -> None:
    assert RowNotFound().status == 404
