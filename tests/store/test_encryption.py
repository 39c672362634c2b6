"""What travels to the database is encrypted, where it leaves this machine."""

from urllib.parse import urlsplit

import psycopg
import pytest

from sidestream.cli.checks.database import reachable
from sidestream.cli.checks.finding import Broken, State
from sidestream.problems import DatabaseUnavailable
from sidestream.store.database import Database
from sidestream.store.encryption import encrypted
from sidestream.store.migrate import pending


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("127.0.0.1", None),
        ("[::1]:5432", None),
        ("localhost", None),
        ("127.0.0.1/d?sslmode=disable", "disable"),
        ("/d?host=/run/postgresql", None),
        ("/d?hostaddr=127.0.0.1", None),
        ("/d?hostaddr=198.41.0.4", "require"),
        ("localhost/d?hostaddr=198.41.0.4&sslmode=disable", "require"),
        ("ep-one.eu-central-1.aws.neon.tech", "require"),
        ("ep-one.eu-central-1.aws.neon.tech/d?sslmode=verify-full", "verify-full"),
        ("ep-one.eu-central-1.aws.neon.tech/d?sslmode=disable", "require"),
        ("ep-one.eu-central-1.aws.neon.tech/d?sslmode=prefer&channel_binding=prefer", "require"),
        ("ep-one.eu-central-1.aws.neon.tech/d?ssl=true", "require"),
        ("198.41.0.4", "require"),
        ("198.41.0.4/d?sslmode=allow", "require"),
        ("localhost.example", "require"),
        ("localhost,198.41.0.4", "require"),
        ("database,198.41.0.4/d?sslmode=disable", "require"),
        ("10.1.2.3", "require"),
        ("10.1.2.3/d?sslmode=disable", "disable"),
        ("[fd00::1]:5432/d?sslmode=prefer", "prefer"),
        ("database", "require"),
        ("database/d?sslmode=disable", "disable"),
        ("host.docker.internal/d?sslmode=disable", "disable"),
    ],
)
def test_who_says_too_little_is_encrypted(place: str, mode: str | None) -> None:
    url = f"postgresql://role:pass%40word@{place}"
    before = psycopg.conninfo.conninfo_to_dict(url)
    after = psycopg.conninfo.conninfo_to_dict(encrypted(url))
    assert after.get("sslmode") == mode
    assert {**after, "sslmode": None} == {**before, "sslmode": None}


async def test_nothing_is_sent_to_a_server_without_tls(app_url: str, owner_url: str) -> None:
    def elsewhere(url: str) -> str:
        """The server here, which has no TLS, by an address of this machine beside loopback."""
        parts = urlsplit(url)
        netloc = f"{parts.username}:{parts.password}@0.0.0.0:{parts.port}"
        return parts._replace(netloc=netloc, query="").geturl()

    database = Database(elsewhere(app_url), timeout_s=1)
    await database.open()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    await database.close()
    with pytest.raises(Broken, match=r"TLS failed.*sslmode"):
        await reachable(elsewhere(app_url))
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        pending(elsewhere(owner_url))


async def test_the_doctor_tells_of_a_line_that_can_be_read(app_url: str) -> None:
    assert (await reachable(app_url)).state is State.OK
    parts = urlsplit(app_url)
    netloc = f"{parts.username}:{parts.password}@database:{parts.port}"
    url = parts._replace(netloc=netloc, query="hostaddr=127.0.0.1&sslmode=disable").geturl()
    assert "can be read on the way" in (await reachable(url)).sentence
