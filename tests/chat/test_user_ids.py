"""Ids are opaque: under the path of any subject there is a plain chat and a session."""

from urllib.parse import quote

import pytest

from sidestream.identity import path_segment
from tests.chat.client import Client
from tests.chat.conftest import MakePerson, UvicornChat
from tests.subjects import SUBJECTS
from tests.tickets import open_all


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_the_path_of_a_person_is_theirs(person: MakePerson, subject: str) -> None:
    somebody = person(subject)
    path = f"/api/{path_segment(subject)}/chat"
    answer = await somebody.post({"type": "threads.list", "params": {}}, path=path)
    assert answer.status == 200, answer.body
    session = await somebody.post({}, path=f"{path}/session")
    assert session.status == 200, session.body
    other = f"/api/{quote(f'x{subject}', safe='')}/chat"
    for foreign in (other, f"{other}/session"):
        answer = await somebody.post({"message": "hello"}, path=foreign)
        assert (answer.status, answer.problem["code"]) == (403, "forbidden")


@pytest.mark.parametrize("subject", ["spiffe://example.org/ns/prod/sa/web", "..", "علی رضا"])
async def test_a_turn_with_a_tool_is_whole(person: MakePerson, subject: str) -> None:
    somebody = person(subject)
    path = f"/api/{path_segment(subject)}/chat"
    answer = await somebody.post({"message": open_all("printer")}, path=path)
    assert answer.status == 200, answer.body
    assert b'"name":"add_ticket","status":"completed"' in answer.body.replace(b'": ', b'":')
    again = await somebody.post({"message": "hello", "thread_id": answer.thread_id}, path=path)
    assert again.status == 200, again.body


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_the_same_under_uvicorn(
    person: MakePerson, uvicorn_chat: UvicornChat, subject: str
) -> None:
    path = f"/api/{path_segment(subject)}/chat"
    async with Client(uvicorn_chat.url, person(subject).token) as client:
        answer = await client.post({"type": "threads.list", "params": {}}, path=path)
        assert answer.status == 200, answer.body
