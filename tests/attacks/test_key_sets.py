"""Key sets that fail, behind the running functions."""

from collections.abc import Iterator
from functools import partial

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.attacks.conftest import Count, SignIns
from tests.attacks.doors import Doors
from tests.chat.until import until
from tests.sign_in import SignIn, Trouble
from tests.troubles import dripping, dripping_headers, flooding, hanging, leading_to

TROUBLES: dict[str, Trouble] = {
    "drips": dripping,
    "drips headers": dripping_headers,
    "floods": flooding,
    "leads elsewhere": partial(leading_to, "http://127.0.0.1:9/jwks"),
}
PROCESSES = 4
"""Two functions are asked for two things at once each, and every process reads keys for itself."""


@pytest.fixture
def service(sign_ins: SignIns) -> Iterator[SignIn]:
    """One of the services, which is well again after the test."""
    service = sign_ins["ES256"]
    kept = (service.key, service.kid)
    yield service
    service.trouble, service.status, service.body = None, 200, None
    service.sign_with(*kept)


def forged(service: SignIn, number: int) -> str:
    """A token of a key that nobody has."""
    claims, headers = service.claims("alice"), {"kid": f"forged-{number}"}
    return jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers=headers)


@pytest.mark.parametrize("trouble", [*TROUBLES, "hangs", "fails", "is no key set"])
async def test_known_keys_go_on_and_forged_tokens_read_them_once(
    doors: Doors, service: SignIn, trouble: str, count: Count
) -> None:
    assert await doors.open_to(service.token("alice")) == doors.of_people
    before = service.fetches
    with hanging() as hang:
        service.trouble = {**TROUBLES, "hangs": hang}.get(trouble)
        service.status = 500 if trouble == "fails" else 200
        service.body = b"<html>" if trouble == "is no key set" else None
        for number in range(15):
            assert await doors.open_to(forged(service, number), away=True) == set()
            assert await doors.open_to(service.token("alice")) == doors.of_people
    count("tokens while a key set fails", 15 * len(doors.all))
    # Each may read them again once the pause after a failure is over: not for each of the 15.
    assert service.fetches - before <= 5 * PROCESSES


async def test_a_key_that_takes_the_place_of_another_is_known_within_a_minute(
    doors: Doors, service: SignIn
) -> None:
    """However many forged tokens came before. And back, which the next tests rely on."""
    kept = (service.key, service.kid)
    old = service.token("alice")
    assert await doors.open_to(old) == doors.of_people
    for number in range(5):
        assert await doors.open_to(forged(service, number), away=True) == set()
    service.sign_with(ec.generate_private_key(ec.SECP256R1()))

    async def only_the_new_one() -> bool:
        new = await doors.open_to(service.token("alice"), away=True)
        return new == doors.of_people and await doors.open_to(old, away=True) == set()

    await until(only_the_new_one, within_s=60)
    service.sign_with(*kept)

    async def the_old_one_again() -> bool:
        return await doors.open_to(service.token("alice"), away=True) == doors.of_people

    await until(the_old_one_again, within_s=60)
