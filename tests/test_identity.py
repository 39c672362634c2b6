"""Every kind of wrong token, against an issuer with real keys over real HTTP.

The list is that of ASVS 5.0 V9 (self-contained tokens) and RFC 8725 (JWT best current practices).
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidestream.identity import SUBJECT_CLAIM, Verifier, bearer, bearer_token
from sidestream.issuer import SESSION_ISSUER, TOOL_ISSUER
from sidestream.problems import Unauthorized, Unavailable
from sidestream.secret import Secret
from sidestream.signing_key import CHAT_AUDIENCE, TASKS_AUDIENCE, SigningKey, session_key, tool_key
from sidestream.user_id import UserIds
from tests.sign_in import SIGNING_KEYS, SignIn, public_jwk, sign_in_server
from tests.tokens import hs256, part, signed

SESSION_SECRET = "the secret of sessions, 32 bytes or more"
TOOL_SECRET = "the secret of tools, also 32 bytes or more"


@pytest.fixture(params=sorted(SIGNING_KEYS))
def sign_in(request: pytest.FixtureRequest) -> Iterator[SignIn]:
    """A service that signs with each of the algorithms."""
    with sign_in_server() as service:
        service.sign_with(SIGNING_KEYS[request.param])
        yield service


@pytest.fixture
def other_sign_in() -> Iterator[SignIn]:
    with sign_in_server() as service:
        yield service


@pytest.fixture
def chat(sign_in: SignIn) -> Verifier:
    """What the chat accepts: people and its own sessions."""
    return Verifier([sign_in.issuer], [session_key(SESSION_SECRET, 600)])


@pytest.fixture
def tasks() -> Verifier:
    """What the tools accept: tool tokens."""
    return Verifier(keys=[tool_key(TOOL_SECRET)])


async def refused(verifier: Verifier, token: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        await verifier.user_id(token)
    return caught.value.detail


class TestGoodTokens:
    async def test_a_persons(self, chat: Verifier, sign_in: SignIn) -> None:
        assert await chat.user_id(sign_in.token("alice")) == "alice"

    async def test_a_session(self, chat: Verifier) -> None:
        token, expires_at = session_key(SESSION_SECRET, 600).mint("alice", sid="ses_1")
        assert await chat.user_id(token) == "alice"
        claims = await chat.claims(token)
        assert (claims["sid"], claims["exp"], claims["iss"]) == (
            "ses_1",
            expires_at,
            SESSION_ISSUER,
        )

    async def test_a_tool_token_lasts_a_minute(self, tasks: Verifier) -> None:
        token, expires_at = tool_key(TOOL_SECRET).mint("alice")
        assert await tasks.user_id(token) == "alice"
        assert expires_at - int(time.time()) in (59, 60)

    async def test_ours_among_several_audiences(self, chat: Verifier, sign_in: SignIn) -> None:
        token = sign_in.token("alice", aud=["another", sign_in.url])
        assert await chat.user_id(token) == "alice"

    async def test_a_clock_that_is_a_little_ahead(self, chat: Verifier, sign_in: SignIn) -> None:
        now = int(time.time())
        token = sign_in.token("alice", iat=now + 5, nbf=now + 5)
        assert await chat.user_id(token) == "alice"

    async def test_minting_cannot_be_talked_into_other_claims(self, chat: Verifier) -> None:
        token, _ = session_key(SESSION_SECRET, 600).mint("alice", iss="x", aud="y", exp=0)
        assert await chat.user_id(token) == "alice"

    async def test_two_issuers_side_by_side(self, sign_in: SignIn, other_sign_in: SignIn) -> None:
        both = Verifier([sign_in.issuer, other_sign_in.issuer])
        first = await both.claims(sign_in.token("alice"))
        second = await both.claims(other_sign_in.token("alice"))
        assert (first["sub"], first[SUBJECT_CLAIM]) == ("alice", None)
        assert second["sub"] == UserIds((sign_in.issuer, other_sign_in.issuer)).of(
            other_sign_in.url, "alice"
        )
        assert second[SUBJECT_CLAIM] == "alice"

    async def test_no_issuer_says_what_a_user_id_is(
        self, sign_in: SignIn, other_sign_in: SignIn
    ) -> None:
        both = Verifier([sign_in.issuer, other_sign_in.issuer])
        for service in (sign_in, other_sign_in):
            claims = await both.claims(service.token("alice", **{SUBJECT_CLAIM: "bob"}))
            assert claims[SUBJECT_CLAIM] in (None, "alice")


class TestClaims:
    @pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub"])
    async def test_each_is_needed(self, chat: Verifier, sign_in: SignIn, claim: str) -> None:
        await refused(chat, sign_in.token("alice", **{claim: ...}))

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "another"},
            {"aud": []},
            {"aud": ["another"]},
            {"aud": CHAT_AUDIENCE},
            {"aud": None},
            {"iss": "https://evil.example"},
            {"iss": ""},
            {"iss": 7},
            {"iss": ["x"]},
            {"iss": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": None},
            {"sub": ["alice"]},
            {"sub": "x" * 256},
            {"sub": "alice\x00"},
            {"sub": "alice\n"},
            {"sub": "alice\u2028"},
            {"sub": "alice\x85"},
            {"sub": "ali\u202ece"},
            {"sub": "\ud800"},
            {"exp": "tomorrow"},
            {"exp": None},
            {"exp": -1},
            {"exp": float("inf")},
            {"nbf": "now"},
        ],
    )
    async def test_wrong_values(
        self, chat: Verifier, sign_in: SignIn, changes: dict[str, Any]
    ) -> None:
        # Signed by hand: PyJWT refuses to encode some of these.
        claims = sign_in.claims("alice", **changes)
        header = {"alg": sign_in.algorithm, "kid": sign_in.kid}
        await refused(chat, signed(header, claims, sign_in.key, sign_in.algorithm))

    async def test_expired(self, chat: Verifier, sign_in: SignIn) -> None:
        now = int(time.time())
        token = sign_in.token("alice", iat=now - 900, exp=now - 60)
        assert await refused(chat, token) == "The token has expired."

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    async def test_not_valid_yet(self, chat: Verifier, sign_in: SignIn, claim: str) -> None:
        await refused(chat, sign_in.token("alice", **{claim: int(time.time()) + 600}))


class TestSignatures:
    async def test_none(self, chat: Verifier, sign_in: SignIn) -> None:
        claims = sign_in.claims("alice")
        for algorithm in ("none", "None", "NONE", ""):
            header = part({"alg": algorithm, "kid": sign_in.kid})
            await refused(chat, f"{header}.{part(claims)}.")
        session = {"iss": SESSION_ISSUER, "aud": CHAT_AUDIENCE, "sub": "alice"}
        times = {"iat": int(time.time()), "exp": int(time.time()) + 600}
        await refused(chat, f"{part({'alg': 'none'})}.{part({**session, **times})}.")

    async def test_the_public_key_as_an_hmac_secret(self, chat: Verifier, sign_in: SignIn) -> None:
        public = sign_in.key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        listed = str(sign_in.keys[0].get("x", sign_in.keys[0].get("n"))).encode()
        for secret in (pem, raw, listed, json.dumps(sign_in.keys[0]).encode(), b""):
            header = {"alg": "HS256", "kid": sign_in.kid}
            await refused(chat, hs256(header, sign_in.claims("alice"), secret))

    async def test_another_key_under_the_known_id(self, chat: Verifier, sign_in: SignIn) -> None:
        forged = jwt.encode(
            sign_in.claims("alice"),
            Ed25519PrivateKey.generate(),
            "EdDSA",
            headers={"kid": sign_in.kid},
        )
        await refused(chat, forged)

    @pytest.mark.parametrize("header", ["jwk", "jku", "x5u", "x5c"])
    async def test_a_key_that_the_token_brings_along(
        self, chat: Verifier, sign_in: SignIn, other_sign_in: SignIn, header: str
    ) -> None:
        own = {
            "jwk": other_sign_in.keys[0],
            "jku": str(other_sign_in.issuer.jwks_url),
            "x5u": str(other_sign_in.issuer.jwks_url),
            "x5c": ["MIIB"],
        }
        for kid in (sign_in.kid, "key-2"):
            token = jwt.encode(
                sign_in.claims("alice"),
                other_sign_in.key,
                "EdDSA",
                headers={"kid": kid, header: own[header]},
            )
            await refused(chat, token)
        assert other_sign_in.fetches == 0

    @pytest.mark.parametrize("kid", [None, "", "key-9", "../../etc/passwd", 7, ["key-1"]])
    async def test_no_or_an_unknown_key_id(
        self, chat: Verifier, sign_in: SignIn, kid: object
    ) -> None:
        header = {"alg": sign_in.algorithm, "kid": kid}
        await refused(chat, signed(header, sign_in.claims("alice"), sign_in.key, sign_in.algorithm))

    async def test_changed_claims(self, chat: Verifier, sign_in: SignIn) -> None:
        head, _, signature = sign_in.token("alice").split(".")
        await refused(chat, f"{head}.{part(sign_in.claims('bob'))}.{signature}")

    async def test_another_issuers_token_in_our_issuers_name(
        self, sign_in: SignIn, other_sign_in: SignIn
    ) -> None:
        both = Verifier([sign_in.issuer, other_sign_in.issuer])
        claims = sign_in.claims("alice")
        headers = {"kid": other_sign_in.kid}
        await refused(both, jwt.encode(claims, other_sign_in.key, "EdDSA", headers=headers))

    async def test_a_critical_extension_nobody_knows(self, chat: Verifier, sign_in: SignIn) -> None:
        header = {"alg": sign_in.algorithm, "kid": sign_in.kid, "crit": ["b65"], "b65": 1}
        await refused(chat, signed(header, sign_in.claims("alice"), sign_in.key, sign_in.algorithm))


class TestAudiences:
    async def test_a_tool_token_is_not_for_the_chat(self, chat: Verifier) -> None:
        await refused(chat, tool_key(TOOL_SECRET).mint("alice")[0])

    async def test_a_session_token_is_not_for_the_tools(self, tasks: Verifier) -> None:
        await refused(tasks, session_key(SESSION_SECRET, 600).mint("alice")[0])

    async def test_a_persons_token_is_not_for_the_tools(
        self, tasks: Verifier, sign_in: SignIn
    ) -> None:
        await refused(tasks, sign_in.token("alice"))

    async def test_one_secret_by_mistake_still_keeps_them_apart(self) -> None:
        """Both kinds under one secret: issuer and audience alone have to tell them apart."""
        chat = Verifier(keys=[session_key(TOOL_SECRET, 600)])
        await refused(chat, tool_key(TOOL_SECRET).mint("alice")[0])
        for issuer, audience in (
            (SESSION_ISSUER, TASKS_AUDIENCE),
            (TOOL_ISSUER, CHAT_AUDIENCE),
        ):
            await refused(
                chat, SigningKey(issuer, audience, Secret(TOOL_SECRET), 60).mint("alice")[0]
            )

    async def test_a_session_signed_by_a_person_is_none(
        self, chat: Verifier, sign_in: SignIn
    ) -> None:
        await refused(chat, sign_in.token("alice", iss=SESSION_ISSUER, aud=CHAT_AUDIENCE))

    async def test_a_persons_token_signed_by_us_is_none(
        self, chat: Verifier, sign_in: SignIn
    ) -> None:
        key = SigningKey(sign_in.url, sign_in.url, Secret(SESSION_SECRET), 600)
        await refused(chat, key.mint("alice")[0])


class TestGarbage:
    @pytest.mark.parametrize(
        "token",
        [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            "a.b.c.d.e",
            "opaque-session-token-of-better-auth-1234567890",
            "W10.W10.",
            "bnVsbA.bnVsbA.bnVsbA",
            f"{part({'alg': 'EdDSA'})}.W10.x",
            f"{part({'alg': 'EdDSA'})}.NQ.x",
            f"{part({'alg': ['EdDSA']})}.{part({'iss': SESSION_ISSUER})}.x",
            "دودھ.دودھ.دودھ",
            "\x00.\x00.\x00",
            "e30.e30.e30",
            "x" * 8_193,
            "." * 8_000,
        ],
    )
    async def test_is_refused(self, chat: Verifier, token: str) -> None:
        await refused(chat, token)

    async def test_a_good_token_that_is_too_long_is_refused(
        self, chat: Verifier, sign_in: SignIn
    ) -> None:
        await refused(chat, sign_in.token("alice", name="x" * 8_000))
        assert sign_in.fetches == 0

    async def test_deeply_nested_claims(self, chat: Verifier) -> None:
        nested = base64.urlsafe_b64encode(b'{"iss":' * 800).decode()
        await refused(chat, f"{part({'alg': 'EdDSA'})}.{nested}.x")

    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token abc", "bearerabc"]
    )
    def test_a_header_without_a_bearer_token(self, header: str | None) -> None:
        with pytest.raises(Unauthorized):
            bearer(header)

    def test_our_own_header_comes_before_awss(self) -> None:
        headers = {"authorization": "AWS4-HMAC-SHA256 x", "x-sidestream-authorization": "bearer t"}
        assert bearer_token(headers) == "t"
        assert bearer_token({"authorization": "Bearer u"}) == "u"
        with pytest.raises(Unauthorized):
            bearer_token({"authorization": "AWS4-HMAC-SHA256 x"})


class TestKeySets:
    async def test_is_fetched_once(self, chat: Verifier, sign_in: SignIn) -> None:
        for _ in range(5):
            await chat.user_id(sign_in.token("alice"))
        assert sign_in.fetches == 1

    async def test_prefetching_saves_the_first_request_a_fetch(
        self, chat: Verifier, sign_in: SignIn
    ) -> None:
        await chat.prefetch()
        assert sign_in.fetches == 1
        await chat.user_id(sign_in.token("alice"))
        assert sign_in.fetches == 1

    async def test_unknown_key_ids_do_not_hammer_the_issuer(
        self, chat: Verifier, sign_in: SignIn
    ) -> None:
        await chat.prefetch()
        for number in range(20):
            headers = {"kid": f"key-{number + 100}"}
            token = jwt.encode(
                sign_in.claims("alice"), sign_in.key, sign_in.algorithm, headers=headers
            )
            await refused(chat, token)
        assert sign_in.fetches <= 2

    async def test_a_token_of_an_unknown_issuer_fetches_nothing(
        self, chat: Verifier, sign_in: SignIn, other_sign_in: SignIn
    ) -> None:
        await refused(chat, other_sign_in.token("alice"))
        assert (sign_in.fetches, other_sign_in.fetches) == (0, 0)

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, None),
            (404, None),
            (200, b"<html>"),
            (200, b"[]"),
            (200, b'{"keys": []}'),
            (200, b"\xff"),
        ],
    )
    async def test_an_issuer_in_trouble_is_not_the_callers_fault(
        self, chat: Verifier, sign_in: SignIn, status: int, body: bytes | None
    ) -> None:
        sign_in.status, sign_in.body = status, body
        await chat.prefetch()
        with pytest.raises(Unavailable):
            await chat.user_id(sign_in.token("alice"))
        assert sign_in.fetches == 1
        sign_in.status, sign_in.body = 200, None
        async with asyncio.timeout(10):
            while True:
                with suppress(Unavailable):
                    assert await chat.user_id(sign_in.token("alice")) == "alice"
                    break
                await asyncio.sleep(0.1)

    async def test_an_issuer_that_is_away_comes_back(self) -> None:
        with sign_in_server() as gone:
            issuer, token = gone.issuer, gone.token("alice")
        verifier = Verifier([issuer])
        await verifier.prefetch()
        with pytest.raises(Unavailable):
            await verifier.user_id(token)

    async def test_a_crowd_meets_a_cold_cache(self, chat: Verifier, sign_in: SignIn) -> None:
        tokens = [sign_in.token(f"user-{number}") for number in range(20)]
        subjects = await asyncio.gather(*(chat.user_id(token) for token in tokens))
        assert subjects == [f"user-{number}" for number in range(20)]

    async def test_a_second_key_of_the_set(self, chat: Verifier, sign_in: SignIn) -> None:
        second = Ed25519PrivateKey.generate()
        sign_in.keys.append(public_jwk(second, "key-2"))
        headers = {"kid": "key-2"}
        token = jwt.encode(sign_in.claims("alice"), second, "EdDSA", headers=headers)
        assert await chat.user_id(token) == "alice"
