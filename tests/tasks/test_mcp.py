"""The MCP endpoint: the SDK's own client in both eras, and raw POSTs as the chat sends them."""

import asyncio
import json
from typing import Any

import pytest

from sidestream.tasks.pack import DOMAIN
from sidestream.tasks.tools import SERVER
from sidestream.tool_server.manifest import manifest
from tests.tasks.conftest import Person
from tests.tool_server.people import client_of

URDU = "دودھ اور ڈبل‌روٹی لانا"
NO_SUCH_ID = "tsk_" + "0" * 32
ERAS = ["legacy", "2026-07-28"]
TOOLS = [
    "add_task",
    "list_tasks",
    "get_task",
    "update_task",
    "complete_task",
    "delete_task",
    "search_tasks",
]


def text_of(result: dict[str, Any]) -> str:
    (block,) = result["content"]
    assert block["type"] == "text"
    return str(block["text"])


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestBothEras:
    async def test_the_sdks_client_uses_every_tool(self, alice: Person, era: str) -> None:
        async with client_of(alice, era) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS

            async def call(name: str, **arguments: Any) -> Any:
                result = await client.call_tool(name, arguments)
                assert not result.is_error, result.content
                (block,) = result.content
                assert block.type == "text"
                assert json.loads(block.text) == result.structured_content
                return result.structured_content

            task = await call("add_task", title=URDU, due_at="2026-12-24T18:00:00+05:00")
            assert task["title"] == URDU
            assert task["due_at"] == "2026-12-24T13:00:00Z"
            other = await call("add_task", title="Buy milk", notes="2 l")
            listed = await call("list_tasks")
            assert listed == {"data": [other, task], "has_more": False, "after": None}
            assert await call("get_task", task_id=task["id"]) == task
            updated = await call("update_task", task_id=other["id"], title="Buy oat milk")
            assert (updated["title"], updated["notes"]) == ("Buy oat milk", "2 l")
            assert (await call("complete_task", task_id=other["id"]))["completed"] is True
            found = await call("search_tasks", query="MILK oat", completed=True)
            assert [item["id"] for item in found["data"]] == [other["id"]]
            deleted = await call("delete_task", task_id=task["id"])
            assert (deleted["id"], deleted["deleted"]) == (task["id"], True)
            assert (await call("list_tasks", completed=False))["data"] == []

    async def test_lists_what_the_chat_was_built_from(self, alice: Person, era: str) -> None:
        async with client_of(alice, era) as client:
            listed = [
                tool.model_dump(
                    mode="json", by_alias=True, exclude_none=True, exclude={"output_schema"}
                )
                for tool in (await client.list_tools()).tools
            ]
        assert listed == json.loads(DOMAIN.manifest.read_text(encoding="utf-8")) == manifest(SERVER)

    async def test_two_people_never_see_each_others_tasks(
        self, alice: Person, bob: Person, era: str
    ) -> None:
        task = await alice.add("alice's")
        async with client_of(bob, era) as client:
            for name, arguments in (
                ("get_task", {}),
                ("update_task", {"title": "bob's"}),
                ("complete_task", {}),
                ("delete_task", {}),
            ):
                result = await client.call_tool(name, {"task_id": task["id"], **arguments})
                assert result.is_error
            for name, arguments in (("list_tasks", {}), ("search_tasks", {"query": "alice"})):
                result = await client.call_tool(name, arguments)
                assert result.structured_content["data"] == []
        assert await alice.titles() == ["alice's"]

    async def test_what_a_model_got_wrong_is_a_result_it_can_read(
        self, alice: Person, era: str
    ) -> None:
        async with client_of(alice, era) as client:
            result = await client.call_tool("add_task", {"name": "milk"})
            assert result.is_error
            (block,) = result.content
            assert block.type == "text"
            assert block.text.splitlines() == [
                "The tool was not called in the right way.",
                "The arguments of add_task: title: Field required; "
                "name: Extra inputs are not permitted. Correct them.",
            ]
            result = await client.call_tool("get_task", {"task_id": NO_SUCH_ID})
            assert result.is_error
            (block,) = result.content
            assert block.type == "text"
            assert block.text.splitlines() == [
                "There is no such task on the list.",
                "Use list_tasks or search_tasks to find the right id.",
            ]


class TestArguments:
    @pytest.mark.parametrize(
        ("tool", "arguments"),
        [
            ("add_task", {}),
            ("add_task", {"title": None}),
            ("add_task", {"title": ""}),
            ("add_task", {"title": " \n"}),
            ("add_task", {"title": 7}),
            ("add_task", {"title": "x" * 501}),
            ("add_task", {"title": "a\x00b"}),
            ("add_task", {"title": "x", "notes": "x" * 5001}),
            ("add_task", {"title": "x", "notes": "\x00"}),
            ("add_task", {"title": "x", "due_at": "tomorrow"}),
            ("add_task", {"title": "x", "due_at": ""}),
            ("add_task", {"title": "x", "due_at": 1_700_000_000}),
            ("add_task", {"title": "x", "due_at": "9999-12-31T23:00:00-09:00"}),
            ("add_task", {"title": "x", "user_id": "bob"}),
            ("list_tasks", {"limit": -5}),
            ("list_tasks", {"limit": 0}),
            ("list_tasks", {"limit": 1_000_000}),
            ("list_tasks", {"limit": "many"}),
            ("list_tasks", {"completed": "no"}),
            ("list_tasks", {"after": "tsk_1"}),
            ("list_tasks", {"after": 1}),
            ("get_task", {}),
            ("get_task", {"task_id": None}),
            ("get_task", {"task_id": "1"}),
            ("get_task", {"task_id": "\x00"}),
            ("get_task", {"task_id": NO_SUCH_ID}),
            ("update_task", {"title": "x"}),
            ("update_task", {"task_id": NO_SUCH_ID}),
            ("update_task", {"task_id": NO_SUCH_ID, "title": "x"}),
            ("update_task", {"task_id": NO_SUCH_ID, "due_at": "soon"}),
            ("complete_task", {"task_id": NO_SUCH_ID}),
            ("complete_task", {"task_id": NO_SUCH_ID, "completed": "yes"}),
            ("delete_task", {"task_id": NO_SUCH_ID}),
            ("search_tasks", {}),
            ("search_tasks", {"query": " "}),
            ("search_tasks", {"query": "\x00"}),
            ("search_tasks", {"query": "x" * 201}),
        ],
    )
    async def test_bad_ones_are_a_sentence_and_change_nothing(
        self, alice: Person, tool: str, arguments: dict[str, Any]
    ) -> None:
        result = await alice.call(tool, arguments)
        assert result["isError"] is True
        assert "structuredContent" not in result
        sentence = text_of(result)
        assert sentence.endswith(".")
        assert "\x00" not in sentence
        assert await alice.titles() == []

    async def test_null_means_left_out(self, alice: Person) -> None:
        added = await alice.call("add_task", {"title": "x", "notes": None, "due_at": None})
        task = added["structuredContent"]
        listed = await alice.call("list_tasks", {"completed": None, "limit": None, "after": None})
        assert listed["structuredContent"]["data"] == [task]
        changes = {"title": None, "notes": "n", "due_at": None}
        updated = await alice.call("update_task", {"task_id": task["id"], **changes})
        assert updated["structuredContent"]["title"] == "x"
        done = await alice.call("complete_task", {"task_id": task["id"], "completed": None})
        assert done["structuredContent"]["completed"] is True

    async def test_an_empty_string_clears(self, alice: Person) -> None:
        task = await alice.add("x", notes="n", due_at="2026-12-24")
        changes = {"notes": "", "due_at": ""}
        result = await alice.call("update_task", {"task_id": task["id"], **changes})
        document = result["structuredContent"]
        assert (document["title"], document["notes"], document["due_at"]) == ("x", "", None)

    async def test_a_completed_task_can_be_opened_again(self, alice: Person) -> None:
        task = await alice.add("x")
        await alice.call("complete_task", {"task_id": task["id"]})
        result = await alice.call("complete_task", {"task_id": task["id"], "completed": False})
        assert result["structuredContent"]["completed"] is False

    async def test_pages(self, alice: Person) -> None:
        for number in range(3):
            await alice.add(f"task {number}")
        first = (await alice.call("list_tasks", {"limit": 2}))["structuredContent"]
        assert first["has_more"] is True
        rest = (await alice.call("list_tasks", {"limit": 2, "after": first["after"]}))[
            "structuredContent"
        ]
        assert [task["title"] for task in rest["data"]] == ["task 0"]
        assert (rest["has_more"], rest["after"]) == (False, None)

    async def test_the_text_keeps_urdu_as_it_is(self, alice: Person) -> None:
        result = await alice.call("add_task", {"title": URDU})
        assert URDU in text_of(result)


class TestIdempotency:
    async def test_a_repeated_add_makes_one_task(self, alice: Person) -> None:
        first = await alice.call("add_task", {"title": "once"}, key="run_1:call_1")
        again = await alice.call("add_task", {"title": "once"}, key="run_1:call_1")
        other = await alice.call("add_task", {"title": "once"}, key="run_1:call_2")
        assert first["structuredContent"] == again["structuredContent"]
        assert other["structuredContent"]["id"] != first["structuredContent"]["id"]
        assert await alice.titles() == ["once", "once"]

    async def test_ten_at_once_make_one_task(self, alice: Person) -> None:
        calls = (alice.call("add_task", {"title": "once"}, key="run_1:call_1") for _ in range(10))
        results = await asyncio.gather(*calls)
        assert len({result["structuredContent"]["id"] for result in results}) == 1
        assert await alice.titles() == ["once"]

    async def test_a_key_used_for_another_task_is_refused(self, alice: Person) -> None:
        await alice.call("add_task", {"title": "one"}, key="run_1:call_1")
        result = await alice.call("add_task", {"title": "two"}, key="run_1:call_1")
        assert result["isError"] is True
        assert await alice.titles() == ["one"]
