"""Functions as an adopter writes them, with the Agents SDK's decorator and nothing of ours."""

from typing import Any, Final

from agents import RunContextWrapper, function_tool

from sidestream.domain import Ask, Tool

SENT: Final[list[str]] = []
"""What was done, as `who: what`."""


@function_tool
def exchange_rate(currency: str) -> dict[str, Any]:
    """Tell what a currency is worth."""
    return {"currency": currency, "rupees": 280}


@function_tool
async def send_letter(context: RunContextWrapper[Any], text: str) -> str:
    """Send a letter."""
    SENT.append(f"{context.context.user_id}: {text}")
    return "It is on its way."


@function_tool
def list_favourites() -> dict[str, Any]:
    """List the tickets that the person likes best."""
    return {"data": [{"id": "tck_1", "subject": "printer"}]}


def _porter(_context: RunContextWrapper[Any], _error: Exception) -> str:
    return "Ask the porter."


@function_tool(failure_error_function=_porter)
def count_stamps() -> int:
    """Count the stamps."""
    raise LookupError("the drawer at secret-drawer.example is locked")


FUNCTIONS: Final = [
    (exchange_rate, Tool(title="Look up a rate", reads=True)),
    (send_letter, Tool()),
    (list_favourites, Tool(reads=True, lists=True)),
    (count_stamps, Tool(ask=Ask.NEVER)),
]
