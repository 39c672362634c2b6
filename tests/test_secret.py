"""A secret that is replaced while it is used: who reads it again, when, and what is tried."""

import asyncio
from collections.abc import Iterator

import httpx2
import jwt
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from sidestream import secret
from sidestream.identity import Verifier
from sidestream.model_key import ModelKey
from sidestream.problems import DatabaseUnavailable, Unauthorized
from sidestream.secret import Secret
from sidestream.signing_key import SigningKey, session_key, tool_key
from sidestream.store.database import Database
from tests.asgi_server import serve

OLD, NEW, NEWEST = ("a" * 32, "b" * 32, "c" * 32)


class Kept:
    """A secret that Secrets Manager keeps, and how often it was read."""

    def __init__(self, text: str) -> None:
        self.versions: tuple[str, ...] = (text,)
        self.reads = 0

    def put(self, text: str) -> None:
        self.versions = (text, self.versions[0])

    def read(self) -> tuple[str, ...]:
        self.reads += 1
        return self.versions

    def in_use(self) -> Secret:
        """The secret as a process that starts now has it."""
        return Secret(self.versions[0], "KEY", self.read)


@pytest.fixture
def kept() -> Kept:
    return Kept(OLD)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two readings."""
    monkeypatch.setattr(secret, "MIN_INTERVAL_S", 0)


class TestSecret:
    async def test_nothing_is_read_while_it_does(self, kept: Kept) -> None:
        used = kept.in_use()
        kept.put(NEW)
        assert (used.text, used.known, kept.reads) == (OLD, (OLD,), 0)

    async def test_one_that_is_refused_is_read_again(self, kept: Kept) -> None:
        used = kept.in_use()
        kept.put(NEW)
        assert await used.others((OLD,)) == (NEW,)
        assert used.known == (NEW, OLD)

    async def test_the_one_before_is_tried_when_the_new_one_is_refused(self, kept: Kept) -> None:
        kept.put(NEW)
        used = kept.in_use()
        assert await used.others((NEW,)) == (OLD,)

    async def test_many_who_were_refused_read_it_once(self, kept: Kept) -> None:
        used = kept.in_use()
        kept.put(NEW)
        answers = await asyncio.gather(*(used.others((OLD,)) for _ in range(50)))
        assert set(answers) == {(NEW,)}
        assert kept.reads == 1

    async def test_one_that_was_not_replaced_is_not_read_over_and_over(self, kept: Kept) -> None:
        used = kept.in_use()
        for _ in range(50):
            assert await used.others((OLD,)) == ()
        assert kept.reads == 1

    async def test_what_cannot_be_read_stays_as_it_was(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> tuple[str, ...]:
            raise OSError("planted text")

        used = Secret(OLD, "KEY", fail)
        assert await used.others((OLD,)) == ()
        assert used.text == OLD
        assert "KEY could not be read again: OSError" in caplog.text
        assert "planted" not in caplog.text

    async def test_one_from_the_environment_stays_what_it_is(self) -> None:
        assert await Secret(OLD).others((OLD,)) == ()


class TestSigningKey:
    @pytest.mark.parametrize("make", [tool_key, lambda secret: session_key(secret, 600)])
    async def test_whichever_side_learns_first(self, kept: Kept, make: type[SigningKey]) -> None:
        old = kept.in_use()
        kept.put(NEW)
        new = kept.in_use()
        for signs, verifies in ((old, new), (new, old)):
            token, _expiry = make(signs).mint("alice")  # type: ignore[call-arg, arg-type]
            verifier = Verifier(keys=[make(verifies)])  # type: ignore[call-arg, arg-type]
            assert await verifier.user_id(token) == "alice"

    @pytest.mark.usefixtures("hasty")
    async def test_the_one_before_the_last_is_good_no_more(self, kept: Kept) -> None:
        token, _expiry = tool_key(kept.in_use()).mint("alice")
        kept.put(NEW)
        kept.put(NEWEST)
        with pytest.raises(Unauthorized):
            await Verifier(keys=[tool_key(kept.in_use())]).user_id(token)

    async def test_forged_tokens_read_it_once(self, kept: Kept) -> None:
        verifier = Verifier(keys=[tool_key(kept.in_use())])
        forged, _expiry = tool_key("f" * 32).mint("alice")
        for _ in range(50):
            with pytest.raises(Unauthorized):
                await verifier.user_id(forged)
        assert kept.reads == 1

    async def test_only_a_signature_makes_it_be_read(self, kept: Kept) -> None:
        key = tool_key(kept.in_use())
        verifier = Verifier(keys=[key])
        late = SigningKey(key.issuer, key.audience, key.secret, -60).mint("alice")[0]
        elsewhere = SigningKey(key.issuer, "other", key.secret, 60).mint("alice")[0]
        unsigned = jwt.encode({"iss": key.issuer, "sub": "alice"}, "", algorithm="none")
        for token in (late, elsewhere, unsigned, "nonsense", ""):
            with pytest.raises(Unauthorized):
                await verifier.user_id(token)
        assert kept.reads == 0


class TestDatabase:
    @pytest.fixture
    def role(self, admin_url: str) -> Iterator[str]:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute("create role replaced login password 'old'")
            yield "replaced"
            admin.execute("drop role replaced")

    @pytest.mark.usefixtures("hasty")
    async def test_at_no_moment_of_a_replacement_is_it_away(
        self, admin_url: str, role: str
    ) -> None:
        def url(password: str) -> str:
            return make_conninfo(admin_url, user=role, password=password)

        kept = Kept(url("old"))

        async def answers(used: Secret) -> None:
            database = Database(used, timeout_s=5)
            await database.open()
            try:
                await database.ping()
            finally:
                await database.close()

        running = kept.in_use()
        kept.put(url("new"))
        await answers(running)
        await answers(kept.in_use())
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute("alter role replaced password 'new'")
        await answers(running)
        await answers(kept.in_use())
        assert running.text == url("new")

    async def test_a_password_that_was_not_replaced_is_refused(
        self, admin_url: str, role: str
    ) -> None:
        kept = Kept(make_conninfo(admin_url, user=role, password="wrong"))
        database = Database(kept.in_use(), timeout_s=0.5)
        await database.open()
        try:
            with pytest.raises(DatabaseUnavailable):
                await database.ping()
        finally:
            await database.close()
        assert kept.reads == 1


class TestModelKey:
    async def test_a_key_that_is_refused_is_tried_once_more_with_the_one_that_replaced_it(
        self, kept: Kept
    ) -> None:
        good, seen = OLD, []

        async def answer(request: Request) -> PlainTextResponse:
            seen.append(request.headers["authorization"].removeprefix("Bearer "))
            assert await request.body() == b"asked"
            return PlainTextResponse("", 200 if seen[-1] == good else 401)

        app = Starlette(routes=[Route("/", answer, methods=["POST"])])
        async with (
            serve(app) as url,
            httpx2.AsyncClient(base_url=url, auth=ModelKey(kept.in_use())) as client,
        ):

            async def asked() -> int:
                response = await client.post("/", content=b"asked")
                return response.status_code

            assert await asked() == 200
            good = NEW
            kept.put(NEW)
            assert (await asked(), seen) == (200, [OLD, OLD, NEW])
            assert (await asked(), seen[3:]) == (200, [NEW])
            good = NEWEST
            assert (await asked(), seen[4:]) == (401, [NEW, OLD])
        assert kept.reads == 1
