"""Sign-ins that know the same subject: each time somebody else, who sees nothing of the others."""

from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import pytest

from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from tests.attacks.conftest import Count, SignIns
from tests.chat.client import Client, create_request, thread_request
from tests.tickets import open_all


@dataclass(frozen=True, slots=True)
class Person:
    """Who has a subject at one of the sign-ins, and what is theirs."""

    token: str
    path: str
    thread_id: str = ""
    run_id: str = ""
    ticket_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@pytest.fixture
def subject() -> str:
    return new_id("user")


@pytest.fixture
async def people(
    system: LocalSystem, sign_ins: SignIns, http: httpx2.AsyncClient, subject: str
) -> dict[str, Person]:
    """One person of each sign-in, all with one subject; each has had a ticket made by the chat."""
    tokens = {name: service.token(subject) for name, service in sign_ins.items()}
    tokens["the system's own"] = system.token(subject)
    found = {}
    for name, token in tokens.items():
        async with Client(system.chat.url, token) as client:
            answer = await client.create(open_all(f"printer of {name}"))
        thread_id, run_id = answer.thread_id, answer.headers["x-sidestream-run-id"]
        path = f"{system.tools.url}/api/{subject}/tickets"
        listed = await http.get(path, headers={"authorization": f"Bearer {token}"})
        [ticket] = listed.json()["data"]
        assert ticket["subject"] == f"printer of {name}"
        found[name] = Person(token, path, thread_id, run_id, ticket["id"])
    return found


async def test_nobody_reaches_what_is_anothers(
    system: LocalSystem, http: httpx2.AsyncClient, people: dict[str, Person], count: Count
) -> None:
    tried = 0
    for name, person in people.items():
        async with Client(system.chat.url, person.token) as client:
            listed = await client.post({"type": "threads.list", "params": {}})
            assert [each["id"] for each in listed.json()["data"]] == [person.thread_id]
            for other in (each for other, each in people.items() if other != name):
                url = f"{person.path}/{other.ticket_id}"
                for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
                    answer = await http.request(method, url, json=body, headers=person.headers)
                    assert answer.status_code == 404, (name, method, answer.text)
                for method, place in (
                    ("GET", f"threads/{other.thread_id}/run"),
                    ("POST", f"threads/{other.thread_id}/stop"),
                    ("GET", f"runs/{other.run_id}/events"),
                ):
                    refused = await client.request(method, f"/api/chatkit/{place}")
                    assert refused.status == 404, (name, place, refused.body)
                said = create_request("x")["params"]
                requests = (
                    thread_request("threads.get_by_id", other.thread_id),
                    thread_request("items.list", other.thread_id),
                    thread_request("threads.update", other.thread_id, title="x"),
                    thread_request("threads.add_user_message", other.thread_id, **said),
                )
                for request in requests:
                    refused = await client.post(request)
                    assert refused.status == 404, (name, request["type"], refused.body)
                # It says of a conversation that is not there, too, that it is gone.
                await client.post(thread_request("threads.delete", other.thread_id))
                tried += 7 + len(requests)
    for person in people.values():
        async with Client(system.chat.url, person.token) as client:
            assert (await client.get(person.thread_id)).title != "x"
        url = f"{person.path}/{person.ticket_id}"
        assert (await http.get(url, headers=person.headers)).status_code == 200
    count("of another sign-in's people", tried)


async def test_whoever_names_another_in_a_path_is_refused(
    system: LocalSystem, http: httpx2.AsyncClient, people: dict[str, Person], count: Count
) -> None:
    """By their user ids, which an address of theirs tells."""
    ids = {}
    for name, person in people.items():
        draft = {"subject": "another"}
        added = await http.post(person.path, json=draft, headers=person.headers)
        ids[name] = added.headers["location"].split("/")[2]
    assert len(set(ids.values())) == len(ids)
    tried = 0
    for name, person in people.items():
        for other, user_id in ids.items():
            tools = f"{system.tools.url}/api/{user_id}/tickets"
            session = f"{system.chat.url}/api/{user_id}/chat/session"
            statuses = {
                (await http.get(tools, headers=person.headers)).status_code,
                (await http.post(session, headers=person.headers)).status_code,
            }
            assert statuses == ({200} if name == other else {403}) or (
                # The first one's id is the subject, by which each may name themselves.
                other == "the system's own" and statuses == {200}
            )
            tried += 2 * (statuses == {403})
    count("of another sign-in's people", tried)


@pytest.mark.parametrize("of", ["ES256", "the system's own"])
async def test_a_session_goes_on_for_the_same_person(
    system: LocalSystem, people: dict[str, Person], subject: str, of: str
) -> None:
    person = people[of]
    async with Client(system.chat.url, person.token) as client:
        begun = await client.request("POST", f"/api/{quote(subject)}/chat/session")
    for action in ("", "/api/chatkit/refresh"):
        async with Client(system.chat.url, begun.json()["client_secret"]) as client:
            listed = await client.post({"type": "threads.list", "params": {}})
            under = await client.post(
                {"type": "threads.list", "params": {}}, path=f"/api/{quote(subject)}/chat"
            )
            if action:
                begun = await client.request("POST", action)
                assert begun.status == 200
        for answer in (listed, under):
            assert [each["id"] for each in answer.json()["data"]] == [person.thread_id]
