"""The command line as a whole: help, failures, `token` and `migrate`."""

from pathlib import Path
from urllib.parse import urlsplit

import jwt
import psycopg
import pytest

from sidestream.local.postgres import EmbeddedPostgres
from tests.command import run


def test_help_lists_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("local", "migrate", "token", "chat"):
        assert name in done.stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("token",), ("local", "--chat-port", "99999")]
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_what_was_pasted_round_an_option_is_no_part_of_it(postgres: EmbeddedPostgres) -> None:
    url = f"\ufeff {postgres.owner_url}\u200b\n"
    for done in (
        run("migrate", "--url", url),
        run("migrate", env={"DIRECT_DATABASE_URL": url}),
    ):
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "wrap", ['"{}"', "‘{}’", '{{"password":"{}"}}', "a\n{}", "a\u2028{}"], ids=ascii
)
def test_an_option_that_cannot_be_right_is_named_and_not_quoted(wrap: str) -> None:
    for done in (
        run("migrate", "--url", wrap.format("planted")),
        run(
            "chat",
            "--url",
            "https://a.invalid",
            "hello",
            env={"SIDESTREAM_TOKEN": wrap.format("planted")},
        ),
    ):
        assert done.returncode == 2
        assert "--url" in done.stderr or "--token" in done.stderr
        assert "planted" not in done.stderr + done.stdout


def test_token_is_the_same_users_for_as_long_as_asked(tmp_path: Path) -> None:
    done = run("token", "صارف", "--folder", tmp_path, "--minutes", "5")
    assert done.returncode == 0, done.stderr
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert claims["sub"] == "صارف"
    assert claims["exp"] - claims["iat"] == 300
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("user", ["", "   ", "a\nb"])
def test_token_for_nobody_is_refused(tmp_path: Path, user: str) -> None:
    done = run("token", user, "--folder", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


def test_migrate_applies_says_so_and_rolls_back(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute("drop database if exists migrate_command")
        connection.execute("create database migrate_command owner sidestream_owner")
    url = postgres.owner_url.rpartition("/")[0] + "/migrate_command"
    first = run("migrate", "--url", url)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Applied ")
    assert "up to date" in run("migrate", "--url", url).stdout
    undone = run("migrate", "--url", url, "--rollback", "1")
    assert undone.stdout.startswith("Undid ")


def test_migrate_without_a_database_is_a_sentence(tmp_path: Path) -> None:
    nowhere = run("migrate", "--url", "postgresql://x:y@127.0.0.1:9/z")
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("sidestream: The database: connection refused; ")
    unnamed = run("migrate", "--folder", tmp_path)
    assert unnamed.returncode == 1
    assert "--url" in unnamed.stderr


@pytest.mark.parametrize(
    "url",
    [
        "planted",
        "postgresql://a:pw@planted@127.0.0.1/x",
        "postgresql://a:pw/planted@127.0.0.1/x",
        "postgresql://a:%planted@127.0.0.1/x",
    ],
)
def test_migrate_shows_nothing_of_an_address_it_cannot_use(url: str) -> None:
    done = run("migrate", "--url", url)
    assert done.returncode == 1
    assert done.stderr.startswith("sidestream: The ")
    assert "planted" not in done.stdout + done.stderr


def test_migrate_says_that_a_password_is_wrong(postgres: EmbeddedPostgres) -> None:
    url = urlsplit(postgres.owner_url)
    done = run("migrate", "--url", postgres.owner_url.replace(str(url.password), "planted"))
    assert done.returncode == 1
    assert done.stderr.startswith("sidestream: The database: authentication failed; ")
    assert "planted" not in done.stderr


def test_migrate_says_what_postgres_refuses(postgres: EmbeddedPostgres) -> None:
    done = run("migrate", "--url", postgres.app_url)
    assert done.returncode == 1
    assert done.stderr.startswith("sidestream: The database refused: permission denied")
