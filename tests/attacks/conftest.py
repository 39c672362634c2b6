"""A running system with several sign-ins, which are attacked at its public edge."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio

from sidestream.local.postgres import EmbeddedPostgres
from sidestream.local.system import LocalSystem
from tests.attacks.doors import Doors
from tests.sign_in import SIGNING_KEYS, SignIn, sign_in_server
from tests.system import running
from tests.tickets import PACKAGE

COGNITO: Final = "https://pool.example"
"""An issuer whose tokens say `client_id` and no `aud`, and have the keys of the one for RS256."""
CLERK: Final = "https://instance.example"
"""One whose tokens say `azp` alone, with the same keys."""

_counts: dict[str, int] = {}

type Count = Callable[[str, int], None]
type SignIns = dict[str, SignIn]


@pytest.fixture(scope="session")
def count() -> Count:
    """Say how many attacks of a family were refused, which is shown at the end."""

    def add(family: str, number: int) -> None:
        _counts[family] = _counts.get(family, 0) + number

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show how many attacks there were."""
    for family, number in _counts.items():
        terminalreporter.write_line(f"attacks, {family}: {number} refused")


@pytest.fixture(scope="session")
def sign_ins() -> Iterator[SignIns]:
    """A service for each algorithm, by its name."""
    with ExitStack() as stack:
        services = {name: stack.enter_context(sign_in_server()) for name in SIGNING_KEYS}
        for name, service in services.items():
            service.sign_with(SIGNING_KEYS[name], f"key of {name}")
        yield services


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(postgres: EmbeddedPostgres, sign_ins: SignIns) -> AsyncIterator[LocalSystem]:
    """The system, which knows them all after its own sign-in."""
    rsa = sign_ins["RS256"]
    issuers = [
        *(service.issuer for service in sign_ins.values()),
        rsa.issuer_with(issuer=COGNITO, client_id=("app",)),
        rsa.issuer_with(issuer=CLERK, azp=("https://app.example",)),
    ]
    given = json.dumps([issuer.model_dump(mode="json") for issuer in issuers])
    async with running(postgres, DOMAIN=PACKAGE, AUTH_ISSUERS=given) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=30) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def doors(system: LocalSystem, http: httpx2.AsyncClient) -> Doors:
    return Doors(system, http)
