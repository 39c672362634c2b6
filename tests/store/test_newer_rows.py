"""While two releases overlap, the older one meets rows that the newer one wrote."""

import json
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from tests.store.conformance import a_message, a_thread, an_attachment

from sidestream.caller import Caller
from sidestream.problems import Conflict
from sidestream.store.codec import NewerAttachment, NewerItem, NewerThread
from sidestream.store.database import Database
from sidestream.store.threads import PostgresStore

ITEMS: Final[list[dict[str, Any]]] = [
    {"type": "hologram", "beams": [1.0, {"b": 1, "a": None}]},
    {"content": [{"type": "scent", "name": "rose"}]},
    {"type": "structured_input", "status": "postponed", "inputs": []},
    {"attachments": [{"type": "folder", "id": "atc_1", "name": "all"}]},
]


class Rows:
    """A table's rows, as the newer release writes them and as they are kept."""

    def __init__(self, owner_url: str, table: str) -> None:
        self._url = owner_url
        self._table = sql.Identifier(table)

    def renew(self, row_id: str, changes: dict[str, Any]) -> str:
        """Change a row as the newer release would. Gives its text."""
        data = json.dumps(json.loads(self.text(row_id)) | changes)
        query = sql.SQL("update {} set data = %s where id = %s").format(self._table)
        with psycopg.connect(self._url) as owner:
            assert owner.execute(query, (data, row_id)).rowcount == 1
        return data

    def text(self, row_id: str) -> str:
        query = sql.SQL("select data::text from {} where id = %s").format(self._table)
        with psycopg.connect(self._url) as owner:
            [[data]] = owner.execute(query, (row_id,)).fetchall()
        return str(data)


@pytest.fixture
def store(database: Database) -> PostgresStore:
    return PostgresStore(database)


@pytest.mark.parametrize("changes", ITEMS)
async def test_an_item_leaves_the_rest_of_its_thread_readable(
    store: PostgresStore, caller: Caller, owner_url: str, changes: dict[str, Any]
) -> None:
    thread, rows = a_thread(), Rows(owner_url, "thread_items")
    await store.save_thread(thread, caller)
    first, new, last = items = [a_message(thread.id) for _ in range(3)]
    for item in items:
        await store.add_thread_item(thread.id, item, caller)
    data = rows.renew(new.id, changes)
    page = await store.load_thread_items(thread.id, None, 10, "asc", caller)
    assert page.data[::2] == [first, last]
    assert [item.id for item in page.data] == [item.id for item in items]
    placeholder = await store.load_item(thread.id, new.id, caller)
    assert isinstance(placeholder, NewerItem)
    assert page.data[1] == placeholder
    for save in (store.save_item, store.add_thread_item):
        with pytest.raises(Conflict):
            await save(thread.id, placeholder, caller)
    assert rows.text(new.id) == data


async def test_a_thread_leaves_the_list_readable(
    store: PostgresStore, caller: Caller, owner_url: str
) -> None:
    known, new, rows = a_thread(), a_thread(title="Trip"), Rows(owner_url, "threads")
    for thread in (known, new):
        await store.save_thread(thread, caller)
        await store.add_thread_item(thread.id, a_message(thread.id), caller)
    data = rows.renew(new.id, {"status": {"type": "archived", "by": "x"}})
    page = await store.load_threads(10, None, "asc", caller)
    assert [thread.title for thread in page.data] == [None, "Trip"]
    placeholder = await store.load_thread(new.id, caller)
    assert isinstance(placeholder, NewerThread)
    assert placeholder.status.type == "locked"
    assert len((await store.load_thread_items(new.id, None, 10, "asc", caller)).data) == 1
    with pytest.raises(Conflict):
        await store.save_thread(placeholder.model_copy(update={"title": "Holiday"}), caller)
    assert rows.text(new.id) == data


async def test_a_file_is_deleted_with_its_thread(
    store: PostgresStore, caller: Caller, owner_url: str
) -> None:
    thread, rows = a_thread(), Rows(owner_url, "attachments")
    await store.save_thread(thread, caller)
    file = an_attachment(thread_id=thread.id)
    await store.save_attachment(file, caller)
    data = rows.renew(file.id, {"type": "folder"})
    [placeholder] = await store.load_thread_attachments(thread.id, caller)
    assert isinstance(placeholder, NewerAttachment)
    assert placeholder.id == file.id
    with pytest.raises(Conflict):
        await store.save_attachment(placeholder, caller)
    assert rows.text(file.id) == data
