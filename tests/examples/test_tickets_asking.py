"""A tool that asks: `close_ticket` over MCP, as any client of revision 2026-07-28 meets it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from examples.tickets.repository import TicketRepository
from examples.tickets.rest import ticket_routes
from examples.tickets.tools import SERVER
from sidestream.signing_key import tool_key
from sidestream.tool_server.app import create_app
from tests.asgi_server import serve
from tests.examples.conftest import Agent, Desk
from tests.tool_server.people import modern_call, modern_headers

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
QUESTION = "CloseReason"
SETTLED = {QUESTION: {"action": "accept", "content": {"reason": "settled"}}}


async def post(
    url: str,
    desk: Desk,
    agent: Agent,
    arguments: dict[str, Any],
    *,
    tool: str = "close_ticket",
    capabilities: dict[str, Any] | None = None,
    **reply: Any,
) -> tuple[int, Any]:
    """Call a tool. Gives the HTTP status, and the result or the error."""
    body = modern_call(tool, arguments)
    can = {"elicitation": {"form": {}}} if capabilities is None else capabilities
    body["params"]["_meta"][CAPABILITIES] = can
    body["params"] |= reply
    token, _ = tool_key(desk.settings.tool_signing_key.get_secret_value()).mint(agent.chat.user_id)
    headers = {"authorization": f"Bearer {token}", **modern_headers(tool)}
    async with httpx2.AsyncClient(base_url=url, timeout=20) as http:
        answer = await http.post("/mcp", headers=headers, json=body)
    document = answer.json()
    return answer.status_code, document.get("result", document.get("error"))


async def close(desk: Desk, agent: Agent, ticket_id: str, **options: Any) -> Any:
    status, result = await post(desk.url, desk, agent, {"ticket_id": ticket_id}, **options)
    assert status == 200, result
    return result


async def asked(desk: Desk, agent: Agent, ticket_id: str) -> str:
    """Close a ticket as far as its question, and give the state."""
    result = await close(desk, agent, ticket_id)
    assert result["resultType"] == "input_required"
    state: str = result["requestState"]
    return state


async def reason_of(agent: Agent) -> list[tuple[str, str]]:
    return [(ticket["status"], ticket["close_reason"]) for ticket in await agent.tickets()]


async def test_asks_for_the_reason_in_a_form(desk: Desk, agent: Agent) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    result = await close(desk, agent, ticket_id)
    [(name, request)] = result["inputRequests"].items()
    assert (name, request["method"]) == (QUESTION, "elicitation/create")
    assert request["params"]["message"] == "Why is this ticket closed?"
    assert request["params"]["requestedSchema"]["properties"]["reason"] == {
        "type": "string",
        "title": "Reason",
        "minLength": 1,
        "maxLength": 500,
    }
    assert ticket_id not in result["requestState"]
    assert await reason_of(agent) == [("open", "")]


async def test_the_answer_closes_it_and_a_repetition_changes_nothing(
    desk: Desk, agent: Agent
) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    state = await asked(desk, agent, ticket_id)
    for _ in range(2):
        result = await close(desk, agent, ticket_id, requestState=state, inputResponses=SETTLED)
        assert result["structuredContent"]["close_reason"] == "settled"
    other = {QUESTION: {"action": "accept", "content": {"reason": "another"}}}
    await close(desk, agent, ticket_id, requestState=state, inputResponses=other)
    assert await reason_of(agent) == [("closed", "settled")]


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_without_an_answer_nothing_is_done(desk: Desk, agent: Agent, action: str) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    state = await asked(desk, agent, ticket_id)
    given = {QUESTION: {"action": action}}
    result = await close(desk, agent, ticket_id, requestState=state, inputResponses=given)
    assert result["isError"] is True
    assert "was not answered" in result["content"][0]["text"]
    assert await reason_of(agent) == [("open", "")]


@pytest.mark.parametrize(
    "reply",
    [
        {"inputResponses": {}},
        {"inputResponses": {"Other": SETTLED[QUESTION]}},
        {"inputResponses": {QUESTION: {"action": "accept", "content": {"reason": " "}}}},
        {"inputResponses": {QUESTION: {"action": "accept"}}},
    ],
    ids=["none", "of another question", "blank", "empty"],
)
async def test_an_answer_that_does_not_fit_is_asked_for_again(
    desk: Desk, agent: Agent, reply: dict[str, Any]
) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    state = await asked(desk, agent, ticket_id)
    again = await close(desk, agent, ticket_id, requestState=state, **reply)
    assert again["resultType"] == "input_required"
    assert await reason_of(agent) == [("open", "")]


async def test_an_answer_to_what_was_not_asked_counts_for_nothing(desk: Desk, agent: Agent) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    result = await close(desk, agent, ticket_id, inputResponses=SETTLED)
    assert result["resultType"] == "input_required"


async def test_a_state_that_does_not_hold_is_refused(
    desk: Desk, agent: Agent, colleague: Agent
) -> None:
    ids = await agent.open("printer", "login")
    state = await asked(desk, agent, ids["printer"])
    [theirs] = (await colleague.open("theirs")).values()
    sealed = await asked(desk, colleague, theirs)
    flipped = state[:-2] + ("A" if state[-2] != "A" else "B") + state[-1]
    refused = [
        (agent, ids["printer"], flipped),
        (agent, ids["printer"], state[:-4]),
        (agent, ids["printer"], '{"last":"CloseReason","answers":{}}'),
        (agent, ids["printer"], ""),
        (agent, ids["login"], state),  # of other arguments
        (agent, ids["printer"], sealed),  # of another user's call
        (colleague, ids["printer"], state),  # of this call, by another user
    ]
    for who, ticket_id, given in refused:
        arguments = {"ticket_id": ticket_id}
        status, error = await post(
            desk.url, desk, who, arguments, requestState=given, inputResponses=SETTLED
        )
        assert (status, error["code"]) == (400, -32602), given
        assert error["message"] == "Invalid or expired requestState"
    assert await reason_of(agent) == [("open", "")] * 2
    assert await reason_of(colleague) == [("open", "")]


async def test_a_state_is_good_for_its_tool_alone(desk: Desk, agent: Agent) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    state = await asked(desk, agent, ticket_id)
    status, error = await post(
        desk.url, desk, agent, {"ticket_id": ticket_id}, tool="delete_ticket", requestState=state
    )
    assert (status, error["code"]) == (400, -32602)
    assert await agent.subjects() == ["printer"]


async def test_a_state_is_good_for_its_time_alone(desk: Desk, agent: Agent) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    hasty = replace(SERVER, answer_within_s=0.01)
    arguments = {"ticket_id": ticket_id}
    async with serve(create_app(hasty, TicketRepository, ticket_routes, desk.settings)) as url:
        _, result = await post(url, desk, agent, arguments)
        state = result["requestState"]
        await asyncio.sleep(0.05)
        status, error = await post(
            url, desk, agent, arguments, requestState=state, inputResponses=SETTLED
        )
    assert (status, error["message"]) == (400, "Invalid or expired requestState")
    assert await reason_of(agent) == [("open", "")]


@pytest.mark.parametrize(
    "capabilities", [{}, {"elicitation": {"url": {}}}, {"sampling": {}}], ids=str
)
async def test_who_cannot_ask_is_told_which_argument_is_needed(
    desk: Desk, agent: Agent, capabilities: dict[str, Any]
) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    result = await close(desk, agent, ticket_id, capabilities=capabilities)
    assert result["isError"] is True
    sentence, advice = result["content"][0]["text"].splitlines()
    assert sentence == "More has to be known for this."
    assert "call close_ticket again with reason" in advice
    assert await reason_of(agent) == [("open", "")]


async def test_an_empty_capability_means_forms(desk: Desk, agent: Agent) -> None:
    [ticket_id] = (await agent.open("printer")).values()
    result = await close(desk, agent, ticket_id, capabilities={"elicitation": {}})
    assert result["resultType"] == "input_required"
