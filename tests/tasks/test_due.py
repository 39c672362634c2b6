"""When tasks are due: days that are the same day everywhere, and times by the person's clock."""

from typing import Any

import pytest

from tests.sign_in import SignIn
from tests.tasks.conftest import Person
from tests.tool_server.people import assert_problem

META = "sidestream/time-zone"


async def in_zone(person: Person, zone: Any, name: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool for somebody who is in a time zone."""
    result = await person.call(name, arguments, **{META: zone})
    document: dict[str, Any] = result["structuredContent"]
    return document


@pytest.mark.parametrize(
    ("day", "kept"),
    [
        ("2026-12-24", "2026-12-24"),
        (" 2026-12-31 ", "2026-12-31"),
        ("20270101", "2027-01-01"),
        ("2028-02-29", "2028-02-29"),
        ("1900-01-01", "1900-01-01"),
        ("9998-12-31", "9998-12-31"),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
async def test_a_day_is_that_day_everywhere(alice: Person, zone: str, day: str, kept: str) -> None:
    headers = {"x-sidestream-time-zone": zone}
    answer = await alice.request(
        "POST", alice.path, json={"title": "x", "due_at": day}, headers=headers
    )
    task = answer.json()
    assert task["due_at"] == kept
    for other in ("Asia/Karachi", "America/New_York"):
        seen = await in_zone(alice, other, "get_task", task_id=task["id"])
        assert seen["due_at"] == kept
    added = await in_zone(alice, zone, "add_task", title="y", due_at=day)
    assert added["due_at"] == kept
    read = await alice.request("GET", f"{alice.path}/{added['id']}")
    assert read.json()["due_at"] == kept


@pytest.mark.parametrize(
    ("zone", "said", "kept"),
    [
        ("Asia/Karachi", "2026-12-24T18:00", "2026-12-24T13:00:00Z"),
        ("Asia/Karachi", "2026-11-27T02:00", "2026-11-26T21:00:00Z"),
        ("America/New_York", "2026-12-31T20:00", "2027-01-01T01:00:00Z"),
        ("Asia/Kathmandu", "2026-12-24T18:00", "2026-12-24T12:15:00Z"),
        ("Pacific/Kiritimati", "2027-01-01T00:30", "2026-12-31T10:30:00Z"),
        ("Pacific/Pago_Pago", "2026-12-31T23:30", "2027-01-01T10:30:00Z"),
        # The hour that is skipped, and the one that comes twice.
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        # An offset says more than a zone.
        ("America/New_York", "2026-12-24T18:00+05:00", "2026-12-24T13:00:00Z"),
        ("America/New_York", "2026-12-24T18:00Z", "2026-12-24T18:00:00Z"),
        # What is no zone is none.
        ("Atlantis/Centre", "2026-12-24T18:00", "2026-12-24T18:00:00Z"),
        ("../../etc/passwd", "2026-12-24T18:00", "2026-12-24T18:00:00Z"),
        ("", "2026-12-24T18:00", "2026-12-24T18:00:00Z"),
        ("x" * 5000, "2026-12-24T18:00", "2026-12-24T18:00:00Z"),
    ],
)
async def test_a_time_is_by_the_persons_clock(
    alice: Person, zone: str, said: str, kept: str
) -> None:
    headers = {"x-sidestream-time-zone": zone}
    answer = await alice.request(
        "POST", alice.path, json={"title": "x", "due_at": said}, headers=headers
    )
    task = answer.json()
    assert task["due_at"] == kept
    patch = {"json": {"due_at": said}, "headers": headers}
    changed = await alice.request("PATCH", f"{alice.path}/{task['id']}", **patch)
    assert changed.json()["due_at"] == kept
    added = await in_zone(alice, zone, "add_task", title="y", due_at=said)
    read = await alice.request("GET", f"{alice.path}/{added['id']}")
    assert read.json()["due_at"] == kept
    updated = await in_zone(alice, zone, "update_task", task_id=task["id"], due_at=said)
    assert updated["due_at"] == added["due_at"]


async def test_the_model_reads_times_by_the_persons_clock(alice: Person) -> None:
    task = await alice.add("x", due_at="2026-12-24T20:30:00Z")
    for zone, shown in (
        ("Asia/Karachi", "2026-12-25T01:30:00+05:00"),
        ("America/New_York", "2026-12-24T15:30:00-05:00"),
        ("Europe/London", "2026-12-24T20:30:00Z"),
        (None, "2026-12-24T20:30:00Z"),
        (7, "2026-12-24T20:30:00Z"),
    ):
        [listed] = (await in_zone(alice, zone, "list_tasks"))["data"]
        [found] = (await in_zone(alice, zone, "search_tasks", query="x"))["data"]
        got = await in_zone(alice, zone, "get_task", task_id=task["id"])
        done = await in_zone(alice, zone, "complete_task", task_id=task["id"])
        assert {each["due_at"] for each in (listed, found, got, done)} == {shown}


@pytest.mark.parametrize(
    "due_at", ["2026-02-29", "2026-13-01", "1899-12-31", "9999-01-01", "24.12.2026", "T18:00", "z"]
)
async def test_what_is_no_day_is_refused(alice: Person, due_at: str) -> None:
    answer = await alice.request("POST", alice.path, json={"title": "x", "due_at": due_at})
    assert_problem(answer, 422, "invalid")
    assert await alice.titles() == []


async def test_a_time_is_in_the_zone_of_the_token_where_nobody_says_another(
    alice: Person, sign_in: SignIn
) -> None:
    token = sign_in.token(alice.id, zoneinfo="Asia/Karachi")
    said = {"title": "x", "due_at": "2026-12-24T18:00"}
    headers = {"authorization": f"Bearer {token}"}
    task = (await alice.http.post(alice.path, json=said, headers=headers)).json()
    assert task["due_at"] == "2026-12-24T13:00:00Z"
    path = f"{alice.path}/{task['id']}"
    change = {"due_at": "2026-12-24T02:00"}
    changed = await alice.http.patch(path, json=change, headers=headers)
    assert changed.json()["due_at"] == "2026-12-23T21:00:00Z"
    headers["x-sidestream-time-zone"] = "America/New_York"
    elsewhere = await alice.http.patch(path, json=change, headers=headers)
    assert elsewhere.json()["due_at"] == "2026-12-24T07:00:00Z"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Karachi", "1900-01-01T04:00"),
        ("Pacific/Pago_Pago", "9998-12-31T13:00"),
        ("Asia/Karachi", "0001-01-01T00:00"),
        ("Pacific/Pago_Pago", "9999-12-31T23:59"),
    ],
)
async def test_years_are_counted_in_the_persons_zone(alice: Person, zone: str, said: str) -> None:
    headers = {"x-sidestream-time-zone": zone}
    draft = {"title": "x", "due_at": said}
    answer = await alice.request("POST", alice.path, json=draft, headers=headers)
    [error] = assert_problem(answer, 422, "invalid")["errors"]
    assert error["loc"] == ["due_at"]
    result = await alice.call("add_task", draft, **{META: zone})
    assert result["isError"]
    assert "due_at" in result["content"][0]["text"]
    assert await alice.titles() == []


@pytest.mark.parametrize(
    ("zone", "said"),
    [("Pacific/Kiritimati", "9999-01-01T13:00"), ("Pacific/Pago_Pago", "1899-12-31T13:00")],
)
async def test_a_moment_that_was_taken_can_be_given_back(
    alice: Person, zone: str, said: str
) -> None:
    task = await in_zone(alice, zone, "add_task", title="x", due_at=said)
    again = await in_zone(alice, zone, "update_task", task_id=task["id"], due_at=task["due_at"])
    assert again["due_at"] == task["due_at"]
    [listed] = (await alice.request("GET", alice.path)).json()["data"]
    path = f"{alice.path}/{task['id']}"
    kept = await alice.request("PATCH", path, json={"due_at": listed["due_at"]})
    assert kept.json()["due_at"] == listed["due_at"]
