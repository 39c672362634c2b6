"""The domain that the platform is tested on, and all that its tests know of it: the tickets.

No test of the platform asks for the tasks: whoever deletes those, with their tests, keeps all of
it. What people say here are lines that the scripted model carries out (`!tool {json}`), and the
words after them are its answer.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx2

from examples.tickets.pack import DOMAIN
from sidestream.local.model.conversation import ToolRequest
from sidestream.local.system import LocalSystem
from tests.chat.client import NO_TLS, TIMEOUT_S, Client, Document

__all__ = ["DOMAIN", "PACKAGE"]

PACKAGE: Final = "examples.tickets"

LISTED: Final = "Here they are."
DELETED: Final = "That is gone now."
CHANGED: Final = "That is changed now."


def call(tool: str, /, **arguments: Any) -> ToolRequest:
    """A call of a tool."""
    return ToolRequest(tool, arguments)


def opening(*subjects: str) -> list[ToolRequest]:
    """Calls that open tickets."""
    return [call("add_ticket", subject=subject) for subject in subjects]


def deleting(*ids: str) -> list[ToolRequest]:
    """Calls that delete tickets."""
    return [call("delete_ticket", ticket_id=ticket_id) for ticket_id in ids]


def script(*steps: Sequence[ToolRequest], answer: str = "") -> str:
    """A message that the scripted model carries out, step by step, and answers with some words."""
    lines: list[str] = []
    for step in steps:
        lines += ["--"] if lines else []
        lines += [
            f"!{each.name} {json.dumps(dict(each.arguments), ensure_ascii=False)}" for each in step
        ]
    return "\n".join([*lines, answer]).rstrip()


def open_all(*subjects: str, answer: str | None = None) -> str:
    """A message that opens tickets, all in one step. The answer names them unless told."""
    named = " and ".join(f"“{subject}”" for subject in subjects)
    return script(opening(*subjects), answer=f"I opened {named}." if answer is None else answer)


def delete_all(*ids: str, answer: str = DELETED) -> str:
    """A message that deletes tickets, all in one step."""
    return script(deleting(*ids), answer=answer)


def change(ticket_id: str, **changes: str) -> str:
    """A message that changes a ticket."""
    return script([call("update_ticket", ticket_id=ticket_id, **changes)], answer=CHANGED)


LIST: Final = [call("list_tickets")]
SHOW: Final = script(LIST, answer=LISTED)
"""A message that lists the tickets."""


async def open_tickets(system: LocalSystem, person: Client, *subjects: str) -> dict[str, str]:
    """Open tickets of a person, by REST. Gives their ids by subject."""
    ids: dict[str, str] = {}
    async with _rest(system, person) as http:
        for subject in subjects:
            answer = await http.post(f"/api/{person.user_id}/tickets", json={"subject": subject})
            assert answer.status_code == httpx2.codes.CREATED, answer.text
            ids[subject] = answer.json()["id"]
    return ids


async def change_ticket(
    system: LocalSystem, person: Client, method: str, ticket_id: str, body: Document | None = None
) -> None:
    """Change or delete a ticket behind the chat's back, by REST."""
    async with _rest(system, person) as http:
        path = f"/api/{person.user_id}/tickets/{ticket_id}"
        answer = await http.request(method, path, json=body)
    assert answer.is_success, answer.text


async def tickets_of(system: LocalSystem, person: Client) -> list[Document]:
    """A person's tickets by REST, as a page reads them, the oldest first."""
    async with _rest(system, person) as http:
        answer = await http.get(f"/api/{person.user_id}/tickets", params={"limit": 100})
    assert answer.status_code == httpx2.codes.OK, answer.text
    data: list[Document] = answer.json()["data"]
    return sorted(data, key=lambda ticket: (ticket["created_at"], ticket["id"]))


def _rest(system: LocalSystem, person: Client) -> httpx2.AsyncClient:
    """The tickets' REST routes, as a person."""
    return httpx2.AsyncClient(
        base_url=system.tools.url,
        headers={"authorization": f"Bearer {person.token}"},
        timeout=TIMEOUT_S,
        verify=NO_TLS,
    )
