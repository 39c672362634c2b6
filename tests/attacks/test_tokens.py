"""Tokens that are none, at every door of the running functions."""

import pytest

from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from sidestream.signing_key import session_key, tool_key
from tests.attacks import tokens
from tests.attacks.conftest import CLERK, COGNITO, Count, SignIns
from tests.attacks.doors import Doors
from tests.attacks.tokens import Attack
from tests.sign_in import SIGNING_KEYS
from tests.tokens import signed


@pytest.mark.parametrize("algorithm", SIGNING_KEYS)
class TestOfAnIssuer:
    async def test_its_own_tokens_are_let_in(
        self, doors: Doors, sign_ins: SignIns, algorithm: str
    ) -> None:
        """Without which the others would prove nothing."""
        assert await doors.open_to(sign_ins[algorithm].token("alice")) == doors.of_people

    async def test_forged_ones(
        self, doors: Doors, sign_ins: SignIns, algorithm: str, count: Count
    ) -> None:
        await _refused(doors, list(tokens.forged(sign_ins[algorithm])), count)

    async def test_misused_ones(
        self, doors: Doors, sign_ins: SignIns, algorithm: str, count: Count
    ) -> None:
        await _refused(doors, list(tokens.misused(sign_ins[algorithm])), count)

    async def test_in_the_name_of_another(
        self, doors: Doors, sign_ins: SignIns, algorithm: str, count: Count
    ) -> None:
        mine = sign_ins[algorithm]
        attacks = []
        for name, other in sign_ins.items():
            if other is not mine:
                claims = {"iss": other.url, "aud": other.url}
                attacks.append((f"as {name}", mine.token("alice", **claims)))
                header = {"alg": algorithm, "kid": other.kid}
                claims = mine.claims("alice", **claims)
                token = signed(header, claims, mine.key, algorithm)
                attacks.append((f"as {name} with its kid", token))
        await _refused(doors, attacks, count)


async def test_for_another_client(doors: Doors, sign_ins: SignIns, count: Count) -> None:
    rsa = sign_ins["RS256"]
    for claim, issuer, value in (
        ("client_id", COGNITO, "app"),
        ("azp", CLERK, "https://app.example"),
    ):
        claims = {"iss": issuer, "aud": ..., claim: value}
        assert await doors.open_to(rsa.token("alice", **claims)) == doors.of_people
        await _refused(doors, list(tokens.without(claim, rsa, **claims)), count)


async def test_our_own_where_they_do_not_belong(
    doors: Doors, system: LocalSystem, count: Count
) -> None:
    keys = LocalKeys.of(system.options.folder)
    session = session_key(keys.session_signing_key, 600)
    tool = tool_key(keys.tool_signing_key)
    assert await doors.open_to(session.mint("alice")[0]) == {"chat"}
    assert await doors.open_to(tool.mint("alice")[0]) == {"mcp"}
    swapped = {
        "a session under the tools' secret": session_key(keys.tool_signing_key, 600),
        "a session under another secret": session_key("x" * 32, 600),
        "an expired session": session_key(keys.session_signing_key, -60),
        "a tool token under the sessions' secret": tool_key(keys.session_signing_key),
        "a tool token under another secret": tool_key("x" * 32),
    }
    await _refused(doors, [(name, key.mint("alice")[0]) for name, key in swapped.items()], count)


async def _refused(doors: Doors, attacks: list[Attack], count: Count) -> None:
    let_in = {name: found for name, token in attacks if (found := await doors.open_to(token))}
    assert let_in == {}
    count("tokens", len(attacks) * len(doors.all))
