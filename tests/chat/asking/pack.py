"""The pack of the domain that asks: nothing but its tools, none of which is held."""

from pathlib import Path
from typing import Final

from sidestream.domain import Ask, Domain, Tool

TOOLS: Final = ("book", "pay", "agree", "nag", "nest", "mix", "wait", "flood", "steer", "seat")

DOMAIN: Final = Domain(
    name="asking",
    manifest=Path(__file__).parent / "tools.json",
    instructions="You talk to guests.",
    tools={name: Tool(ask=Ask.NEVER) for name in TOOLS},
)
