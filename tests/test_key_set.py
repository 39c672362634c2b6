"""Key sets that fail: a real server that hangs, floods, drips, redirects, breaks and lies."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidestream.identity import Verifier
from sidestream.key_set import IDLE_S, REFRESH_S, VAIN_PAUSE_S, KeySet
from sidestream.key_source import MAX_BYTES, KeysUnread, read_keys
from sidestream.problems import Unavailable
from sidestream.public_keys import PublicKey
from sidestream.reasons import Reason
from sidestream.token_fault import TokenFault, TokenRefused
from tests.sign_in import SignIn, Trouble, public_jwk, sign_in_server
from tests.troubles import dripping, dripping_headers, flooding, hanging, leading_to

STALE_S = 7_200.0


@pytest.fixture
def sign_in() -> Iterator[SignIn]:
    with sign_in_server() as service:
        yield service


async def reason(sign_in: SignIn, timeout_s: float = 5.0) -> Reason:
    with pytest.raises(KeysUnread) as caught:
        await read_keys(str(sign_in.issuer.jwks_url), timeout_s=timeout_s)
    return caught.value.reason


class TestReading:
    async def test_a_server_that_hangs(self, sign_in: SignIn) -> None:
        with hanging() as sign_in.trouble:
            assert await reason(sign_in, 0.2) == Reason.TIMED_OUT

    @pytest.mark.parametrize("trouble", [dripping, dripping_headers])
    async def test_a_slow_drip_is_bounded_as_a_whole(
        self, sign_in: SignIn, trouble: Trouble
    ) -> None:
        sign_in.trouble = trouble
        assert await reason(sign_in, 0.4) == Reason.TIMED_OUT

    async def test_a_flood_is_left(self, sign_in: SignIn) -> None:
        sign_in.trouble = flooding
        assert await reason(sign_in) == Reason.TOO_MUCH

    async def test_a_byte_too_many(self, sign_in: SignIn) -> None:
        url = str(sign_in.issuer.jwks_url)
        sign_in.body = b" " * MAX_BYTES
        assert len(await read_keys(url)) == MAX_BYTES
        sign_in.body += b" "
        assert await reason(sign_in) == Reason.TOO_MUCH

    async def test_what_is_compressed_is_not_unpacked(self, sign_in: SignIn) -> None:
        asked: list[str] = []

        def packed(request: BaseHTTPRequestHandler) -> None:
            asked.append(request.headers["accept-encoding"])
            request.send_response(200)
            request.send_header("content-encoding", "gzip")
            request.send_header("content-length", "3")
            request.end_headers()
            request.wfile.write(b"\x1f\x8b\x08")

        sign_in.trouble = packed
        assert await read_keys(str(sign_in.issuer.jwks_url)) == b"\x1f\x8b\x08"
        assert asked == ["identity"]

    async def test_a_redirect_to_another_origin_is_not_followed(self, sign_in: SignIn) -> None:
        with sign_in_server() as other:
            sign_in.trouble = partial(leading_to, f"{other.url}/jwks")
            assert await reason(sign_in) == Reason.ELSEWHERE
            assert other.fetches == 0

    async def test_a_redirect_within_the_origin_is(self, sign_in: SignIn) -> None:
        def once(request: BaseHTTPRequestHandler) -> None:
            sign_in.trouble = None
            leading_to("/moved", request)

        sign_in.trouble = once
        assert json.loads(await read_keys(str(sign_in.issuer.jwks_url))) == {"keys": sign_in.keys}

    async def test_a_circle_ends(self, sign_in: SignIn) -> None:
        sign_in.trouble = partial(leading_to, "/again")
        assert await reason(sign_in) == Reason.ELSEWHERE
        assert sign_in.fetches == 4

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (404, Reason.MISSING),
            (500, Reason.BROKEN),
            (503, Reason.BROKEN),
            (204, Reason.UNEXPECTED),
        ],
    )
    async def test_a_status(self, sign_in: SignIn, status: int, expected: Reason) -> None:
        sign_in.status = status
        assert await reason(sign_in) == expected

    @pytest.mark.parametrize("line", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200\r\n", b""])
    async def test_what_is_no_http(self, sign_in: SignIn, line: bytes) -> None:
        def other(request: BaseHTTPRequestHandler) -> None:
            request.wfile.write(line)

        sign_in.trouble = other
        assert isinstance(await reason(sign_in), Reason)


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Known:
    """A key set whose keys were read at the clock's present time."""

    def __init__(self, sign_in: SignIn) -> None:
        self.clock = Clock()
        self.sign_in = sign_in
        url = str(sign_in.issuer.jwks_url)
        self.keys = KeySet(partial(read_keys, url, timeout_s=2.0), STALE_S, self.clock)

    async def key(self, kid: str = "key-1", algorithm: str = "EdDSA") -> PublicKey:
        return await self.keys.key(kid, algorithm)

    async def settled(self) -> None:
        """Wait for the reading that goes on in the background."""
        assert self.keys._reading is not None
        await self.keys._reading


@pytest.fixture
async def known(sign_in: SignIn) -> Known:
    known = Known(sign_in)
    await known.keys.refresh()
    assert sign_in.fetches == 1
    return known


async def fault(known: Known, kid: str = "key-1", algorithm: str = "EdDSA") -> TokenFault:
    with pytest.raises(TokenRefused) as caught:
        await known.key(kid, algorithm)
    return caught.value.fault


class TestAges:
    async def test_fresh_keys_are_not_read_again(self, known: Known, sign_in: SignIn) -> None:
        known.clock.now_s += REFRESH_S - 1
        for _ in range(5):
            await known.key()
        assert sign_in.fetches == 1

    async def test_older_ones_are_used_while_they_are_read_once(
        self, known: Known, sign_in: SignIn
    ) -> None:
        known.clock.now_s += REFRESH_S
        with hanging() as sign_in.trouble:
            for _ in range(20):
                await known.key()
        await known.settled()
        assert sign_in.fetches == 2

    async def test_a_key_that_is_gone_is_refused_once_that_is_known(
        self, known: Known, sign_in: SignIn
    ) -> None:
        sign_in.sign_with(Ed25519PrivateKey.generate(), "key-2")
        known.clock.now_s += REFRESH_S
        await known.key()
        await known.settled()
        assert await fault(known) == TokenFault.UNKNOWN_KEY
        await known.key("key-2")

    async def test_after_a_long_silence_a_token_waits_for_new_ones(
        self, known: Known, sign_in: SignIn
    ) -> None:
        sign_in.sign_with(Ed25519PrivateKey.generate(), "key-2")
        known.clock.now_s += IDLE_S
        assert await fault(known) == TokenFault.UNKNOWN_KEY

    async def test_known_keys_go_on_while_the_service_is_away(
        self, known: Known, sign_in: SignIn
    ) -> None:
        sign_in.status = 500
        while known.clock.now_s + 300 < 1_800_000_000.0 + STALE_S:
            known.clock.now_s += 300
            await known.key()
            await known.settled()
        assert sign_in.fetches > 20

    async def test_a_service_that_is_away_is_left_alone_for_a_while(
        self, known: Known, sign_in: SignIn
    ) -> None:
        sign_in.status = 500
        known.clock.now_s += REFRESH_S
        for _ in range(20):
            await known.key()
            await known.settled()
        assert sign_in.fetches == 2

    async def test_but_not_for_ever(self, known: Known, sign_in: SignIn) -> None:
        sign_in.status = 500
        known.clock.now_s += STALE_S
        with pytest.raises(Unavailable):
            await known.key()
        sign_in.status = 200
        known.clock.now_s += 1
        await known.key()

    async def test_known_keys_go_on_while_the_service_hangs(
        self, known: Known, sign_in: SignIn
    ) -> None:
        with hanging() as sign_in.trouble:
            for _ in range(3):
                known.clock.now_s += REFRESH_S
                async with asyncio.timeout(1):  # reading takes 2 s
                    await known.key()
            await known.settled()
            known.clock.now_s += IDLE_S
            async with asyncio.timeout(1):
                await known.key()
            await known.keys.close()

    async def test_a_clock_that_is_set_back_stops_nothing(
        self, known: Known, sign_in: SignIn
    ) -> None:
        known.clock.now_s -= 10 * STALE_S
        await known.key()
        await known.settled()
        await known.key()
        assert sign_in.fetches == 2


class TestPauses:
    async def test_forged_tokens_meet_a_service_that_fails(
        self, known: Known, sign_in: SignIn
    ) -> None:
        sign_in.status = 500
        for number in range(30):
            with pytest.raises(Unavailable):
                await known.key(f"forged-{number}")
        assert sign_in.fetches == 2
        await known.key()

    async def test_the_pause_grows_and_ends(self, known: Known, sign_in: SignIn) -> None:
        sign_in.status = 500
        reads = []
        for _ in range(240):
            with pytest.raises(Unavailable):
                await known.key("forged")
            reads.append(sign_in.fetches)
            known.clock.now_s += 1
        # After 1, 2, 4, 8, 16, 32 and then every 60 seconds.
        assert reads[-1] - 1 == 9
        sign_in.status = 200
        known.clock.now_s += 60
        assert await fault(known, "forged") == TokenFault.UNKNOWN_KEY

    async def test_unknown_keys_are_looked_for_once_in_a_while(
        self, known: Known, sign_in: SignIn
    ) -> None:
        for number in range(30):
            assert await fault(known, f"forged-{number}") == TokenFault.UNKNOWN_KEY
        assert sign_in.fetches == 2
        sign_in.keys.append(public_jwk(Ed25519PrivateKey.generate(), "key-2"))
        known.clock.now_s += VAIN_PAUSE_S
        await known.key("key-2")
        assert sign_in.fetches == 3

    async def test_a_crowd_of_forged_tokens_reads_once(self, known: Known, sign_in: SignIn) -> None:
        tokens = [known.key(f"forged-{number}") for number in range(50)]
        results = await asyncio.gather(*tokens, return_exceptions=True)
        assert {type(result) for result in results} == {TokenRefused}
        assert sign_in.fetches == 2

    async def test_nobody_is_known_and_the_service_is_away(self, sign_in: SignIn) -> None:
        sign_in.status = 500
        known = Known(sign_in)
        for _ in range(10):
            with pytest.raises(Unavailable):
                await known.key()
        assert sign_in.fetches == 1
        sign_in.status = 200
        known.clock.now_s += 1
        await known.key()

    async def test_who_gives_up_ends_nobody_elses_wait(self, sign_in: SignIn) -> None:
        known = Known(sign_in)
        first, second = (asyncio.create_task(known.key()) for _ in range(2))
        await asyncio.sleep(0)  # both wait
        first.cancel()
        assert (await second).kid == "key-1"
        assert first.cancelled()
        assert sign_in.fetches == 1


class TestReplacedUnderItsName:
    async def test_a_new_key_is_found_by_the_first_token_that_it_signs(
        self, sign_in: SignIn
    ) -> None:
        verifier = Verifier([sign_in.issuer])
        old = sign_in.token("alice")
        await verifier.claims(old)
        sign_in.sign_with(Ed25519PrivateKey.generate())
        assert await verifier.user_id(sign_in.token("alice")) == "alice"
        with pytest.raises(TokenRefused) as caught:
            await verifier.claims(old)
        assert caught.value.fault == TokenFault.SIGNATURE

    async def test_forged_signatures_read_the_keys_once(self, sign_in: SignIn) -> None:
        verifier = Verifier([sign_in.issuer])
        await verifier.prefetch()
        stranger = Ed25519PrivateKey.generate()
        for number in range(30):
            claims, headers = sign_in.claims(f"u{number}"), {"kid": sign_in.kid}
            forged = jwt.encode(claims, stranger, "EdDSA", headers=headers)
            with pytest.raises(TokenRefused):
                await verifier.claims(forged)
        assert sign_in.fetches == 2

    async def test_without_such_a_token_it_is_found_by_time(
        self, known: Known, sign_in: SignIn
    ) -> None:
        before = await known.key()
        sign_in.sign_with(Ed25519PrivateKey.generate())
        known.clock.now_s += REFRESH_S
        await known.key()
        await known.settled()
        assert await known.key() != before
        assert REFRESH_S < 60


class TestClosing:
    async def test_leaves_a_reading_off(self, known: Known, sign_in: SignIn) -> None:
        known.clock.now_s += REFRESH_S
        with hanging() as sign_in.trouble:
            await known.key()
            reading: asyncio.Task[Any] | None = known.keys._reading
            assert reading is not None
            await known.keys.close()
            assert reading.cancelled()
