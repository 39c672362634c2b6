"""Ids are opaque: whatever a sign-in calls a person, that person's things are reached, and nobody
else's."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from sidestream.identity import path_segment
from sidestream.signing_key import tool_key
from tests.sign_in import SignIn
from tests.subjects import SUBJECTS
from tests.tool_server.people import TOOL_SECRET, modern_call, modern_headers
from tests.tool_server.test_adapter import Function, application_name, event, function  # noqa: F401


@pytest.mark.parametrize("subject", SUBJECTS)
class TestOverHttp:
    async def test_a_ticket_is_made_found_and_deleted(
        self, http: httpx2.AsyncClient, sign_in: SignIn, subject: str
    ) -> None:
        headers = {"authorization": f"Bearer {sign_in.token(subject)}"}
        path = f"/api/{path_segment(subject)}/tickets"
        added = await http.post(path, json={"subject": "printer"}, headers=headers)
        assert added.status_code == 201, added.text
        assert added.headers["location"] == f"{path}/{added.json()['id']}"
        ticket = await http.get(added.headers["location"], headers=headers)
        assert ticket.json() == added.json()
        listed = await http.get(path, params={"limit": 1}, headers=headers)
        assert listed.json()["data"] == [added.json()]
        gone = await http.delete(added.headers["location"], headers=headers)
        assert gone.status_code == 204

    async def test_the_tools_act_for_the_same_person(
        self, http: httpx2.AsyncClient, sign_in: SignIn, subject: str
    ) -> None:
        token, _expiry = tool_key(TOOL_SECRET).mint(subject)
        headers = {"authorization": f"Bearer {token}", **modern_headers("add_ticket")}
        answer = await http.post(
            "/mcp", headers=headers, json=modern_call("add_ticket", {"subject": "t"})
        )
        ticket = answer.json()["result"]["structuredContent"]
        found = await http.get(
            f"/api/{path_segment(subject)}/tickets/{ticket['id']}",
            headers={"authorization": f"Bearer {sign_in.token(subject)}"},
        )
        assert found.json() == ticket

    @pytest.mark.parametrize("change", ["x{}", "{}x", "{}/x", "x/{}"])
    async def test_a_path_of_somebody_else_is_forbidden(
        self, http: httpx2.AsyncClient, sign_in: SignIn, subject: str, change: str
    ) -> None:
        other = quote(change.format(subject), safe="")
        headers = {"authorization": f"Bearer {sign_in.token(subject)}"}
        answer = await http.get(f"/api/{other}/tickets", headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("shape", ["tickets_list", "tickets_list_rest_api"])
def test_in_events_as_a_function_url_and_a_rest_api_send_them(
    function: Function,  # noqa: F811
    sign_in: SignIn,
    subject: str,
    shape: str,
) -> None:
    listing = event(shape, "USER", sign_in.token(subject))
    encoded = f"/api/{path_segment(subject)}/tickets"
    name = "path" if shape.endswith("rest_api") else "rawPath"
    answer = function.invoke(listing | {name: encoded})
    assert answer["statusCode"] == 200, answer["body"]
    answer = function.invoke(listing | {name: f"/api/x{path_segment(subject)}/tickets"})
    assert answer["statusCode"] == 403


@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if "%" not in subject])
def test_in_events_whose_path_has_been_decoded_as_an_http_api_does(
    function: Function,  # noqa: F811
    sign_in: SignIn,
    subject: str,
) -> None:
    listing: dict[str, Any] = event("tickets_list", "USER", sign_in.token(subject))
    answer = function.invoke(listing | {"rawPath": f"/api/{subject}/tickets"})
    assert answer["statusCode"] == 200, answer["body"]


@pytest.mark.parametrize("path", ["/api/a%2Fb/tickets", "/api/a%252Fb/tickets", "/api/a/b/tickets"])
async def test_an_id_is_decoded_once(http: httpx2.AsyncClient, sign_in: SignIn, path: str) -> None:
    statuses = {}
    for subject in ("a/b", "a%2Fb"):
        headers = {"authorization": f"Bearer {sign_in.token(subject)}"}
        statuses[subject] = (await http.get(path, headers=headers)).status_code
    owner = "a%2Fb" if "%25" in path else "a/b"
    assert statuses.pop(owner) == 200
    assert list(statuses.values()) == [403]
