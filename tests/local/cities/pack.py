"""What the cities tell the assistant."""

from pathlib import Path
from typing import Final

from sidestream.domain import Domain

_HERE: Final = Path(__file__).parent

DOMAIN: Final = Domain(
    name="cities",
    manifest=_HERE / "tools.json",
    instructions="You know the cities.",
    tools={},
    migrations=_HERE / "migrations",
    handler="tests.local.cities.handler.handler",
)
