"""The page's REST, over real HTTP and real Postgres."""

import json
from typing import Any

import pytest

from tests.tasks.conftest import Person
from tests.tool_server.people import assert_problem

URDU = "دودھ اور ڈبل‌روٹی لانا"
NO_SUCH_ID = "tsk_" + "0" * 32


class TestAdd:
    async def test_gives_the_whole_task(self, alice: Person) -> None:
        answer = await alice.request(
            "POST",
            alice.path,
            json={"title": "  Buy milk ", "notes": "2 l", "due_at": "2026-12-24T18:00:00+05:00"},
        )
        assert answer.status_code == 201
        task = answer.json()
        assert list(task) == [
            "id",
            "title",
            "notes",
            "completed",
            "due_at",
            "created_at",
            "updated_at",
        ]
        assert task["title"] == "Buy milk"
        assert task["notes"] == "2 l"
        assert task["completed"] is False
        assert task["due_at"] == "2026-12-24T13:00:00Z"
        assert task["created_at"] == task["updated_at"]
        assert task["created_at"].endswith("Z")
        assert answer.headers["location"] == f"{alice.path}/{task['id']}"
        assert (await alice.request("GET", answer.headers["location"])).json() == task

    async def test_keeps_urdu_byte_for_byte(self, alice: Person) -> None:
        task = await alice.add(URDU, notes=URDU)
        answer = await alice.request("GET", f"{alice.path}/{task['id']}")
        assert URDU.encode() in answer.content
        assert answer.json()["title"] == answer.json()["notes"] == URDU

    @pytest.mark.parametrize(
        ("due_at", "kept"),
        [
            ("2026-12-24T18:00:00", "2026-12-24T18:00:00Z"),
            ("2026-12-24T18:00:00.25Z", "2026-12-24T18:00:00.250000Z"),
            (None, None),
        ],
    )
    async def test_takes_a_time_without_offset_as_utc(
        self, alice: Person, due_at: str | None, kept: str | None
    ) -> None:
        assert (await alice.add("x", due_at=due_at))["due_at"] == kept

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            "title",
            None,
            {"title": None},
            {"title": 5},
            {"title": ""},
            {"title": " \t\n "},
            {"title": "x" * 501},
            {"title": "a\x00b"},
            {"title": "a\ud800b"},
            {"title": "x", "notes": "x" * 5001},
            {"title": "x", "notes": None},
            {"title": "x", "notes": "\x00"},
            {"title": "x", "notes": "\udfff"},
            {"title": "x", "due_at": "tomorrow"},
            {"title": "x", "due_at": ""},
            {"title": "x", "due_at": 1_700_000_000},
            {"title": "x", "due_at": "0001-01-01T00:00:00+14:00"},
            {"title": "x", "due_at": "9999-12-31T23:59:59-14:00"},
            {"title": "x", "due_at": "1492-10-12"},
            {"title": "x", "due_at": "2026-12-24\x00"},
            {"title": "x", "completed": True},
            {"title": "x", "user_id": "bob"},
            {"title": "x", "a\ud800b": 1},
        ],
    )
    async def test_refuses_what_is_not_a_task(self, alice: Person, body: Any) -> None:
        headers = {"content-type": "application/json"}
        content = json.dumps(body)
        answer = await alice.request("POST", alice.path, content=content, headers=headers)
        problem = assert_problem(answer, 422, "invalid")
        assert problem["errors"][0]["msg"]
        assert await alice.titles() == []

    async def test_a_repeated_key_makes_one_task(self, alice: Person) -> None:
        send = {"json": {"title": "once"}, "headers": {"idempotency-key": "key-1"}}
        first = await alice.request("POST", alice.path, **send)
        second = await alice.request("POST", alice.path, **send)
        assert first.status_code == second.status_code == 201
        assert first.json() == second.json()
        assert await alice.titles() == ["once"]

    async def test_a_key_used_for_another_task_is_refused(self, alice: Person) -> None:
        headers = {"idempotency-key": "key-1"}
        await alice.request("POST", alice.path, json={"title": "one"}, headers=headers)
        answer = await alice.request("POST", alice.path, json={"title": "two"}, headers=headers)
        assert_problem(answer, 422, "key_reused")
        assert await alice.titles() == ["one"]

    async def test_two_people_may_use_the_same_key(self, alice: Person, bob: Person) -> None:
        for person in (alice, bob):
            answer = await person.request(
                "POST", person.path, json={"title": person.id}, headers={"idempotency-key": "same"}
            )
            assert answer.json()["title"] == person.id


class TestList:
    async def test_pages_through_all_newest_first(self, alice: Person) -> None:
        for number in range(5):
            await alice.add(f"task {number}")
        seen, after = [], None
        while True:
            params = {"limit": 2} | ({"after": after} if after else {})
            page = (await alice.request("GET", alice.path, params=params)).json()
            assert list(page) == ["data", "has_more", "after"]
            seen += [task["title"] for task in page["data"]]
            after = page["after"]
            assert page["has_more"] == (after is not None)
            if not page["has_more"]:
                break
        assert seen == [f"task {number}" for number in reversed(range(5))]

    async def test_goes_on_after_a_task_that_was_deleted_meanwhile(self, alice: Person) -> None:
        for number in range(4):
            await alice.add(f"task {number}")
        page = (await alice.request("GET", alice.path, params={"limit": 2})).json()
        await alice.request("DELETE", f"{alice.path}/{page['after']}")
        assert await alice.titles(after=page["after"]) == ["task 1", "task 0"]

    async def test_an_exact_page_is_the_last(self, alice: Person) -> None:
        await alice.add("one")
        page = (await alice.request("GET", alice.path, params={"limit": 1})).json()
        assert (page["has_more"], page["after"]) == (False, None)

    async def test_filters_by_completion(self, alice: Person) -> None:
        await alice.add("open")
        done = await alice.add("done")
        await alice.request("PATCH", f"{alice.path}/{done['id']}", json={"completed": True})
        assert await alice.titles(completed="true") == ["done"]
        assert await alice.titles(completed="false") == ["open"]
        assert await alice.titles() == ["done", "open"]

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("MILK", ["Buy milk"]),
            ("ilk buy", ["Buy milk"]),
            ("urgent", ["Dentist"]),
            ("dentist URG", ["Dentist"]),
            ("milk dentist", []),
            ("100%", ["100% done"]),
            ("%", ["100% done"]),
            ("_", ["snake_case"]),
            ("\\", ["back\\slash"]),
            ("ڈبل", [URDU]),
            ("CAFÉ", ["cafe\u0301"]),
            ("äpfel", ["ÄPFEL"]),
            (
                "",
                ["ÄPFEL", "cafe\u0301", URDU, "back\\slash", "snake_case", "100% done", "Dentist"],
            ),
        ],
    )
    async def test_searches_every_word_literally(
        self, alice: Person, q: str, found: list[str]
    ) -> None:
        await alice.add("Buy milk")
        await alice.add("Dentist", notes="urgent!")
        titles = ["100% done", "snake_case", "back\\slash", URDU, "cafe\u0301", "ÄPFEL"]
        for title in titles:
            await alice.add(title)
        assert (await alice.titles(q=q))[:7] == found

    @pytest.mark.parametrize(
        "query",
        [
            "limit=-5",
            "limit=0",
            "limit=101",
            "limit=1000000",
            "limit=99999999999999999999999",
            "limit=ten",
            "limit=",
            "limit=1&limit=2",
            "completed=maybe",
            "after=tsk_1",
            "after=%00",
            "q=%00",
            "q=" + "x" * 201,
            "order=asc",
        ],
    )
    async def test_refuses_a_malformed_query(self, alice: Person, query: str) -> None:
        assert_problem(await alice.request("GET", f"{alice.path}?{query}"), 422, "invalid")


class TestUpdate:
    async def test_changes_only_what_is_named(self, alice: Person) -> None:
        task = await alice.add("old", notes="kept", due_at="2026-12-24")
        path = f"{alice.path}/{task['id']}"
        answer = await alice.request("PATCH", path, json={"title": " new ", "completed": True})
        assert answer.status_code == 200
        changed = answer.json()
        assert changed["updated_at"] > task["updated_at"]
        assert changed == task | {
            "title": "new",
            "completed": True,
            "updated_at": changed["updated_at"],
        }
        assert (await alice.request("GET", path)).json() == changed

    async def test_null_takes_the_due_time_away(self, alice: Person) -> None:
        task = await alice.add("x", notes="n", due_at="2026-12-24")
        answer = await alice.request(
            "PATCH", f"{alice.path}/{task['id']}", json={"due_at": None, "notes": ""}
        )
        assert (answer.json()["due_at"], answer.json()["notes"]) == (None, "")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"title": None},
            {"title": " "},
            {"notes": None},
            {"completed": None},
            {"completed": "yes"},
            {"completed": 1},
            {"due_at": "soon"},
            {"id": NO_SUCH_ID},
            {"title": "x", "colour": "red"},
        ],
    )
    async def test_refuses_a_malformed_patch(self, alice: Person, body: Any) -> None:
        task = await alice.add("unchanged")
        path = f"{alice.path}/{task['id']}"
        assert_problem(await alice.request("PATCH", path, json=body), 422, "invalid")
        assert (await alice.request("GET", path)).json() == task


class TestDelete:
    async def test_deletes_once(self, alice: Person) -> None:
        task = await alice.add("gone")
        path = f"{alice.path}/{task['id']}"
        answer = await alice.request("DELETE", path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert_problem(await alice.request("DELETE", path), 404, "not_found")
        assert await alice.titles() == []


class TestOwnership:
    async def test_two_people_never_see_each_others_tasks(self, alice: Person, bob: Person) -> None:
        task = await alice.add("alice's")
        path = f"{bob.path}/{task['id']}"
        assert await bob.titles() == []
        for method, options in (
            ("GET", {}),
            ("PATCH", {"json": {"title": "bob's"}}),
            ("DELETE", {}),
        ):
            theirs = assert_problem(await bob.request(method, path, **options), 404, "not_found")
            none = await bob.request(method, f"{bob.path}/{NO_SUCH_ID}", **options)
            assert none.json() | {"request_id": ""} == theirs | {"request_id": ""}
        assert await alice.titles() == ["alice's"]

    async def test_somebody_elses_path_is_forbidden(self, alice: Person, bob: Person) -> None:
        task = await alice.add("alice's")
        for method, path in (
            ("GET", alice.path),
            ("POST", alice.path),
            ("GET", f"{alice.path}/{task['id']}"),
            ("PATCH", f"{alice.path}/{task['id']}"),
            ("DELETE", f"{alice.path}/{task['id']}"),
        ):
            answer = await bob.request(method, path, **({"json": {}} if method != "GET" else {}))
            assert_problem(answer, 403, "forbidden")
        assert await alice.titles() == ["alice's"]

    @pytest.mark.parametrize("task_id", ["1", "tsk_", "tsk_%00", "tsk_" + "g" * 32, "%ED%A0%80"])
    async def test_a_malformed_id_is_not_found(self, alice: Person, task_id: str) -> None:
        answer = await alice.request("GET", f"{alice.path}/{task_id}")
        assert_problem(answer, 404, "not_found")
