"""Pages of tasks are cut to what a function can answer with, and the rest comes with the next."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from sidestream.config import Settings
from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from sidestream.signing_key import tool_key
from sidestream.store.database import Database
from sidestream.store.ids import new_id
from sidestream.tasks.app import create_app
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import MAX_NOTES_CHARS, MAX_TITLE_CHARS, TaskDraft
from tests.asgi_server import serve
from tests.chat.client import Client
from tests.sign_in import SignIn
from tests.tasks.conftest import Person
from tests.tool_server.people import modern_call, modern_headers

# What JSON writes in six bytes; what it writes in two, and again in two within a text; and what it
# writes in twelve where it writes ASCII.
CHARS = {"control": "\x01", "quote": '"', "backslash": "\\", "emoji": "🧑", "urdu": "ک"}
COUNT = 100


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def repository(app_url: str) -> AsyncIterator[TaskRepository]:
    database = Database(app_url)
    await database.open()
    yield TaskRepository(database)
    await database.close()


async def fill(repository: TaskRepository, char: str) -> str:
    """Give somebody as many tasks as a page may have, each as long as it may be."""
    user_id = new_id("user")
    for number in range(COUNT):
        title = f"{number} ".ljust(MAX_TITLE_CHARS, char)
        await repository.add(user_id, TaskDraft(title, char * MAX_NOTES_CHARS))
    return user_id


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(task["title"].partition(" ")[0]) for task in page["data"]]


@pytest.mark.parametrize("char", CHARS.values(), ids=CHARS)
async def test_the_longest_tasks_come_whole_page_after_page(
    system: LocalSystem, repository: TaskRepository, char: str
) -> None:
    user_id = await fill(repository, char)
    key = tool_key(LocalKeys.of(system.options.folder).tool_signing_key)
    async with httpx2.AsyncClient(base_url=system.tools.url, timeout=60) as http:

        async def by_rest(after: str | None) -> dict[str, Any]:
            headers = {"authorization": f"Bearer {system.token(user_id)}"}
            query = f"limit={COUNT}" + (f"&after={after}" if after else "")
            answer = await http.get(f"/api/{user_id}/tasks?{query}", headers=headers)
            assert answer.status_code == 200, answer.text
            page: dict[str, Any] = answer.json()
            return page

        async def by_tool(after: str | None) -> dict[str, Any]:
            headers = {"authorization": f"Bearer {key.mint(user_id)[0]}"}
            headers |= modern_headers("list_tasks")
            call = modern_call("list_tasks", {"limit": COUNT, "after": after})
            answer = await http.post("/mcp", json=call, headers=headers)
            assert answer.status_code == 200, answer.text
            page: dict[str, Any] = answer.json()["result"]["structuredContent"]
            return page

        for read in (by_rest, by_tool):
            page = await read(None)
            seen = numbers(page)
            while page["has_more"]:
                assert page["after"] == page["data"][-1]["id"]
                page = await read(page["after"])
                seen += numbers(page)
            assert seen == list(reversed(range(COUNT)))
    async with Client(system.chat.url, system.token(user_id)) as client:
        answer = await client.create("List my tasks")
    assert "cannot be reached" not in answer.text
    assert not answer.errors


@pytest.mark.parametrize("most", [10_000, 30_000])
async def test_a_page_has_as_many_as_fit_and_one_at_least(
    settings: Settings, sign_in: SignIn, repository: TaskRepository, most: int
) -> None:
    chosen = settings.model_copy(update={"max_page_bytes": most})
    async with (
        serve(create_app(chosen)) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        alice = Person(http, sign_in)
        for number in range(9):
            await repository.add(alice.id, TaskDraft(str(number), "n" * 4_500))
        await repository.add(alice.id, TaskDraft("large", "\x01" * MAX_NOTES_CHARS))
        sizes = []
        after: dict[str, str] = {}
        while True:
            answer = await alice.request("GET", alice.path, params=after)
            page = answer.json()
            listed = await alice.call("list_tasks", {**after, "limit": 50})
            assert [each["id"] for each in listed["structuredContent"]["data"]] == [
                each["id"] for each in page["data"]
            ]
            sizes.append(len(page["data"]))
            if not page["has_more"]:
                break
            after = {"after": page["after"]}
    assert sizes == {10_000: [1, 2, 2, 2, 2, 1], 30_000: [1, 6, 3]}[most]
