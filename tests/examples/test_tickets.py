"""The tickets as a domain: the pack, its texts, and their function over MCP and REST."""

import json
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

import examples.tickets
from examples.tickets.pack import DOMAIN
from examples.tickets.tools import SERVER
from sidestream.domain import Ask, load
from sidestream.signing_key import tool_key
from sidestream.store.database import Database, Statement
from sidestream.tool_server.manifest import write
from tests.examples.conftest import Agent, Desk
from tests.packs import gaps_in_texts, gaps_in_tools
from tests.tool_server.people import modern_call, modern_headers

FOLDER = Path(examples.tickets.__file__).parent
NO_SUCH_ID = "tck_" + "0" * 32
TOOLS = {
    "add_ticket",
    "list_tickets",
    "get_ticket",
    "update_ticket",
    "close_ticket",
    "delete_ticket",
    "search_tickets",
}


async def call(
    desk: Desk, user_id: str, tool: str, arguments: dict[str, Any], key: str | None = None
) -> dict[str, Any]:
    """Call a tool as the chat does, and give the result."""
    token, _ = tool_key(desk.settings.tool_signing_key.get_secret_value()).mint(user_id)
    headers = {"authorization": f"Bearer {token}", **modern_headers(tool)}
    async with httpx2.AsyncClient(base_url=desk.url, timeout=20) as http:
        answer = await http.post("/mcp", headers=headers, json=modern_call(tool, arguments, key))
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


class TestPack:
    def test_fits_its_tools(self) -> None:
        assert load("examples.tickets") is DOMAIN
        assert set(DOMAIN.policies) == set(DOMAIN.tools) == TOOLS

    def test_the_manifest_is_written_as_it_is(self) -> None:
        before = DOMAIN.manifest.read_bytes()
        assert write("examples.tickets") == DOMAIN.manifest
        assert DOMAIN.manifest.read_bytes() == before

    def test_nothing_of_a_tool_is_forgotten(self) -> None:
        assert list(gaps_in_tools(DOMAIN, SERVER)) == []

    def test_what_destroys_asks_before_it_destroys_more_than_one(self) -> None:
        assert DOMAIN.policies["delete_ticket"].ask == Ask.OVER(1)
        assert DOMAIN.policies["close_ticket"].ask == Ask.OVER(3)

    def test_every_text_is_in_every_language_and_none_is_left_over(self) -> None:
        assert list(gaps_in_texts(DOMAIN, FOLDER)) == []


class TestTools:
    async def test_a_ticket_from_its_first_to_its_last(self, desk: Desk, agent: Agent) -> None:
        async def done(tool: str, **arguments: Any) -> Any:
            result = await call(desk, agent.chat.user_id, tool, arguments)
            assert not result.get("isError"), result
            [block] = result["content"]
            assert json.loads(block["text"]) == result["structuredContent"]
            return result["structuredContent"]

        given = {"subject": "پرنٹر نہیں چلتا", "priority": "high", "customer_email": "a@b.example"}
        ticket = await done("add_ticket", **given)
        assert ticket["status"] == "open"
        assert ticket.items() >= given.items()
        assert await done("get_ticket", ticket_id=ticket["id"]) == ticket
        waits = await done(
            "update_ticket", ticket_id=ticket["id"], status="pending", assignee="Sana"
        )
        assert (waits["status"], waits["assignee"]) == ("pending", "Sana")
        assert await done("list_tickets", status="pending") == {
            "data": [waits],
            "has_more": False,
            "after": None,
        }
        cleared = await done("update_ticket", ticket_id=ticket["id"], assignee="")
        assert (cleared["status"], cleared["assignee"]) == ("pending", "")
        closed = await done("close_ticket", ticket_id=ticket["id"], reason=" out of ink ")
        assert (closed["status"], closed["close_reason"]) == ("closed", "out of ink")
        assert await done("close_ticket", ticket_id=ticket["id"]) == closed
        assert (await done("search_tickets", query="A@B پرنٹر"))["data"] == [closed]
        assert (await done("search_tickets", query="A@B", status="open"))["data"] == []
        gone = await done("delete_ticket", ticket_id=ticket["id"])
        assert gone == {**closed, "deleted": True}
        assert await agent.tickets() == []

    @pytest.mark.parametrize(
        ("tool", "arguments", "words"),
        [
            ("add_ticket", {"subject": "\u200b"}, "subject"),
            ("add_ticket", {"subject": "x", "priority": "urgent"}, "priority"),
            ("add_ticket", {"subject": "x", "customer_email": "nobody"}, "customer_email"),
            ("add_ticket", {"subject": "x", "colour": "red"}, "colour"),
            ("update_ticket", {"ticket_id": NO_SUCH_ID}, "at least one thing"),
            ("update_ticket", {"ticket_id": NO_SUCH_ID, "status": "closed"}, "status"),
            ("close_ticket", {"ticket_id": NO_SUCH_ID}, "There is no such ticket."),
            ("close_ticket", {"ticket_id": NO_SUCH_ID, "reason": "\u200b"}, "reason"),
            ("delete_ticket", {"ticket_id": "1"}, "Use list_tickets or search_tickets"),
            ("list_tickets", {"after": "x"}, "after"),
            ("search_tickets", {"query": " "}, "query"),
        ],
    )
    async def test_what_a_model_got_wrong_is_a_sentence(
        self, desk: Desk, agent: Agent, tool: str, arguments: dict[str, Any], words: str
    ) -> None:
        result = await call(desk, agent.chat.user_id, tool, arguments)
        assert result["isError"] is True
        assert words in result["content"][0]["text"]
        assert await agent.tickets() == []

    async def test_a_repeated_call_opens_one_ticket(self, desk: Desk, agent: Agent) -> None:
        results = [
            await call(desk, agent.chat.user_id, "add_ticket", {"subject": "x"}, "key-1")
            for _ in range(2)
        ]
        assert results[0]["structuredContent"] == results[1]["structuredContent"]
        other = await call(desk, agent.chat.user_id, "add_ticket", {"subject": "y"}, "key-1")
        assert other["isError"] is True
        assert await agent.subjects() == ["x"]

    async def test_null_means_left_out(self, desk: Desk, agent: Agent) -> None:
        arguments = {"status": None, "limit": None, "after": None}
        result = await call(desk, agent.chat.user_id, "list_tickets", arguments)
        assert result["structuredContent"]["data"] == []


class TestRest:
    async def test_a_ticket_is_made_read_changed_and_deleted(self, agent: Agent) -> None:
        body = {"subject": "printer", "body": "no ink", "priority": "low", "assignee": "Ali"}
        made = await agent.request("POST", agent.path, json=body)
        assert made.status_code == 201
        ticket, path = made.json(), made.headers["location"]
        assert ticket.items() >= body.items()
        assert (await agent.request("GET", path)).json() == ticket
        closing = {"status": "closed", "close_reason": "refilled", "assignee": ""}
        changed = await agent.request("PATCH", path, json=closing)
        assert changed.json() == ticket | closing | {
            "updated_at": changed.json()["updated_at"],
        }
        assert await agent.subjects(status="closed", q="INK") == ["printer"]
        assert await agent.subjects(status="open") == []
        opened = await agent.request("PATCH", path, json={"status": "open"})
        assert (opened.json()["status"], opened.json()["close_reason"]) == ("open", "")
        assert (await agent.request("DELETE", path)).status_code == 204
        assert (await agent.request("GET", path)).status_code == 404

    async def test_pages(self, agent: Agent) -> None:
        await agent.open("a", "b", "c")
        first = (await agent.request("GET", agent.path, params={"limit": 2})).json()
        assert [ticket["subject"] for ticket in first["data"]] == ["c", "b"]
        assert await agent.subjects(after=first["after"]) == ["a"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"subject": " "},
            {"subject": None},
            {"status": "gone"},
            {"priority": 1},
            {"customer_email": "a b@c.d"},
            {"body": "\x00"},
            {"close_reason": " "},
            {"id": NO_SUCH_ID},
        ],
    )
    async def test_refuses_a_malformed_patch(self, agent: Agent, body: Any) -> None:
        ids = await agent.open("unchanged")
        path = f"{agent.path}/{ids['unchanged']}"
        answer = await agent.request("PATCH", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert await agent.subjects() == ["unchanged"]


class TestOwnership:
    async def test_a_ticket_of_somebody_else_is_not_there(
        self, desk: Desk, agent: Agent, colleague: Agent
    ) -> None:
        ids = await agent.open("secret")
        for method, options in (
            ("GET", {}),
            ("PATCH", {"json": {"subject": "mine"}}),
            ("DELETE", {}),
        ):
            path = f"{colleague.path}/{ids['secret']}"
            assert (await colleague.request(method, path, **options)).status_code == 404
            theirs = f"{agent.path}/{ids['secret']}"
            assert (await colleague.request(method, theirs, **options)).status_code == 403
        result = await call(
            desk, colleague.chat.user_id, "delete_ticket", {"ticket_id": ids["secret"]}
        )
        assert result["isError"] is True
        assert await agent.subjects() == ["secret"]

    async def test_the_database_keeps_them_apart_without_a_predicate(
        self, database: Database, agent: Agent, colleague: Agent
    ) -> None:
        await agent.open("mine")
        await colleague.open("theirs")
        (rows,) = await database.run(agent.chat.user_id, Statement("select subject from tickets"))
        assert [row["subject"] for row in rows] == ["mine"]
        with pytest.raises(psycopg.Error):
            await database.run(
                agent.chat.user_id,
                Statement(
                    "insert into tickets (user_id, id, subject, request_hash) "
                    "values (%s, 'tck_x', 'x', '')",
                    (colleague.chat.user_id,),
                ),
            )
