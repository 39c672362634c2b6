"""The sign-ins of docs/sign-in.md: its settings, and tokens as those services document them.

Auth0: https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles; Cognito:
https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html;
Clerk: https://clerk.com/docs/guides/sessions/session-tokens; Supabase:
https://supabase.com/docs/guides/auth/jwt-fields.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from pydantic import HttpUrl

from sidestream.identity import Verifier
from sidestream.issuer import Issuer
from sidestream.token_fault import TokenFault, TokenRefused
from tests.sign_in import SIGNING_KEYS, SignIn, public_jwk, sign_in_server

PAGE = (Path(__file__).parent.parent / "docs" / "sign-in.md").read_text(encoding="utf-8")
TENANT: Final = "https://tenant.eu.auth0.com/"
POOL: Final = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
CLIENT: Final = "1example23456789"
CLERK: Final = "https://clean-example-62.clerk.accounts.dev"
SUPABASE: Final = "https://project-ref.supabase.co/auth/v1"
HERE: Final[dict[str, Any]] = {}
"""In place of a claim's value: the token has no such claim."""


def stamped(claims: dict[str, Any], life_s: int = 3600) -> dict[str, Any]:
    now = int(time.time())
    return {"iat": now, "exp": now + life_s, **claims}


def auth0(**changes: Any) -> dict[str, Any]:
    return stamped(
        {
            "iss": TENANT,
            "sub": "auth0|6553da60a54af58e29493993",
            "aud": ["https://chat.example.com", f"{TENANT}userinfo"],
            "azp": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
            "scope": "openid profile",
            **changes,
        },
        86_400,
    )


def cognito(**changes: Any) -> dict[str, Any]:
    return stamped(
        {
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "cognito:groups": ["testers"],
            "iss": POOL,
            "version": 2,
            "client_id": CLIENT,
            "origin_jti": "b1e1f2b7-6c3f-4bd6-8b65-0ac37ee2ab1c",
            "event_id": "64f513be-32db-42b0-b78e-b02127b4f463",
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin openid",
            "auth_time": int(time.time()),
            "jti": "cccccccc-dddd-eeee-ffff-000000000000",
            "username": "somebody",
            **changes,
        }
    )


def clerk(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return stamped(
        {
            "azp": "https://app.example.com",
            "fva": [0, -1],
            "iss": CLERK,
            "nbf": now - 10,
            "sid": "sess_2e8YHtRhQnXLGCVNxIVTxYqBpVW",
            "sts": "active",
            "sub": "user_2dXTgvZXZPFTMLyLNqWIgkQvSdM",
            "v": 2,
            **changes,
        },
        60,
    )


def supabase(**changes: Any) -> dict[str, Any]:
    return stamped(
        {
            "iss": SUPABASE,
            "sub": "123e4567-e89b-12d3-a456-426614174000",
            "aud": "authenticated",
            "role": "authenticated",
            "aal": "aal1",
            "session_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "email": "somebody@example.com",
            "phone": "",
            "is_anonymous": False,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {},
            "amr": [{"method": "password", "timestamp": int(time.time())}],
            **changes,
        }
    )


SERVICES = {
    "Auth0": ("RS256", auth0),
    "Cognito": ("RS256", cognito),
    "Clerk": ("RS256", clerk),
    "Supabase": ("ES256", supabase),
}


@pytest.fixture
def service() -> Iterator[SignIn]:
    with sign_in_server() as service:
        yield service


def documented(name: str, service: SignIn) -> Issuer:
    """The setting as the page has it, but for where the keys are."""
    block = re.search(rf"^## {name}\n.*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert block is not None
    [entry] = json.loads(block[1])
    assert entry["jwks_url"].startswith("https://")
    keys = HttpUrl(f"{service.url}/.well-known/jwks.json")
    return Issuer.model_validate({**entry, "jwks_url": keys})


def token(service: SignIn, claims: dict[str, Any], **headers: Any) -> str:
    kept = {name: value for name, value in claims.items() if value is not HERE}
    return jwt.encode(kept, service.key, service.algorithm, headers={"kid": service.kid, **headers})


async def fault(verifier: Verifier, refused: str) -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        await verifier.claims(refused)
    return caught.value.fault


@pytest.mark.parametrize("name", SERVICES)
async def test_a_token_as_it_is_documented_is_accepted(name: str, service: SignIn) -> None:
    algorithm, claims = SERVICES[name]
    service.sign_with(SIGNING_KEYS[algorithm], use="sig")
    verifier = Verifier([documented(name, service)])
    assert await verifier.user_id(token(service, claims())) == claims()["sub"]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        # For another API of the tenant, and an ID token, which is for the application.
        ("Auth0", {"aud": ["https://other.example.com"]}, TokenFault.AUDIENCE),
        ("Auth0", {"aud": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja"}, TokenFault.AUDIENCE),
        ("Auth0", {"aud": HERE}, TokenFault.AUDIENCE),
        ("Auth0", {"iss": TENANT.rstrip("/")}, TokenFault.UNKNOWN_ISSUER),
        # Another app client of the pool, and an ID token.
        ("Cognito", {"client_id": "another"}, TokenFault.CLIENT_ID),
        ("Cognito", {"client_id": [CLIENT]}, TokenFault.CLIENT_ID),
        ("Cognito", {"client_id": HERE, "aud": CLIENT}, TokenFault.CLIENT_ID),
        ("Cognito", {"iss": POOL + "2"}, TokenFault.UNKNOWN_ISSUER),
        # Another page of the same instance, and a request without an origin.
        ("Clerk", {"azp": "https://evil.example"}, TokenFault.AZP),
        ("Clerk", {"azp": HERE}, TokenFault.AZP),
        ("Clerk", {"azp": None}, TokenFault.AZP),
        ("Clerk", {"azp": {}}, TokenFault.AZP),
        ("Clerk", {"sts": "pending"}, TokenFault.PENDING),
        ("Supabase", {"aud": "anon"}, TokenFault.AUDIENCE),
        ("Supabase", {"iss": "supabase"}, TokenFault.UNKNOWN_ISSUER),
        ("Supabase", {"sub": HERE}, TokenFault.MISSING_CLAIM),
    ],
)
async def test_another_token_of_the_same_service_is_refused(
    service: SignIn, name: str, changes: dict[str, Any], expected: TokenFault
) -> None:
    algorithm, claims = SERVICES[name]
    service.sign_with(SIGNING_KEYS[algorithm], use="sig")
    verifier = Verifier([documented(name, service)])
    assert await fault(verifier, token(service, claims(**changes))) == expected


async def test_supabases_shared_secret_is_none(service: SignIn) -> None:
    service.sign_with(SIGNING_KEYS["ES256"])
    secret = "the legacy JWT secret of a project, 32 bytes"
    service.keys.append({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "legacy"})
    verifier = Verifier([documented("Supabase", service)])
    headers = {"kid": "legacy"}
    refused = jwt.encode(supabase(), secret, "HS256", headers=headers)
    assert await fault(verifier, refused) == TokenFault.ALGORITHM


async def test_a_page_of_several_that_may_ask(service: SignIn) -> None:
    service.sign_with(SIGNING_KEYS["RS256"])
    verifier = Verifier([documented("Clerk", service)])
    await verifier.claims(token(service, clerk(azp="http://localhost:3000")))


async def test_rfc_9068_says_the_type_and_another_party(service: SignIn) -> None:
    """Auth0's other profile, and that of most authorization servers."""
    service.sign_with(SIGNING_KEYS["RS256"])
    verifier = Verifier([documented("Auth0", service)])
    claims = auth0(azp=HERE, client_id="K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja", jti="73WakrfVbNJB")
    await verifier.claims(token(service, claims, typ="at+jwt"))


async def test_every_one_of_them_that_is_asked_for_has_to_hold(service: SignIn) -> None:
    service.sign_with(SIGNING_KEYS["RS256"])
    issuer = service.issuer_with(audience=("a", "b"), client_id=("c",), azp=("d", "e"))
    verifier = Verifier([issuer])
    good = {"aud": ["x", "b"], "client_id": "c", "azp": "e"}
    await verifier.claims(service.token("alice", **good))
    for name, expected in (
        ("aud", TokenFault.AUDIENCE),
        ("client_id", TokenFault.CLIENT_ID),
        ("azp", TokenFault.AZP),
    ):
        for wrong in ("x", "", ..., ["x"], 7):
            refused = service.token("alice", **{**good, name: wrong})
            assert await fault(verifier, refused) == expected, (name, wrong)


async def test_keys_without_an_algorithm_as_entra_publishes_them(service: SignIn) -> None:
    service.sign_with(SIGNING_KEYS["RS256"], alg=..., use="sig", x5t="AA", x5c=["MIIB"])
    await Verifier([service.issuer]).claims(service.token("alice"))


async def test_an_issuer_with_keys_of_each_kind(service: SignIn) -> None:
    service.keys = [public_jwk(key, name) for name, key in SIGNING_KEYS.items()]
    verifier = Verifier([service.issuer])
    for name, key in SIGNING_KEYS.items():
        headers = {"kid": name}
        await verifier.claims(jwt.encode(service.claims("alice"), key, name, headers=headers))
        for other in SIGNING_KEYS.keys() - {name}:
            wrong = jwt.encode(service.claims("alice"), key, name, headers={"kid": other})
            assert await fault(verifier, wrong) == TokenFault.ALGORITHM


class TestWhyInTheLog:
    async def test_a_code_and_whose_it_was(
        self, service: SignIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        verifier = Verifier([service.issuer])
        with caplog.at_level("INFO", "sidestream.identity"):
            await fault(verifier, service.token("PLANTED", aud="PLANTED"))
        [record] = caplog.records
        assert record.message == f"token of {service.url} refused: audience"
        assert vars(record)["reason"] == "audience"

    async def test_nothing_of_a_stranger(
        self, service: SignIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        verifier = Verifier([service.issuer])
        with caplog.at_level("DEBUG", "sidestream"):
            await fault(verifier, service.token("PLANTED", iss="PLANTED"))
            await fault(verifier, "PLANTED")
        messages = [record.message for record in caplog.records]
        assert messages == ["token refused: unknown_issuer", "token refused: malformed"]
        assert "PLANTED" not in caplog.text

    async def test_the_client_does_not_learn_it(self, service: SignIn) -> None:
        verifier = Verifier([service.issuer])
        said = set()
        for changes in ({"aud": "x"}, {"iss": "x"}, {"sub": ""}, {"nbf": 9_999_999_999}):
            with pytest.raises(TokenRefused) as caught:
                await verifier.claims(service.token("alice", **changes))
            said.add(caught.value.detail)
        assert said == {"The token is not valid."}

    def test_each_code_is_in_the_docs(self) -> None:
        assert [fault for fault in TokenFault if f"| `{fault}` |" not in PAGE] == []
