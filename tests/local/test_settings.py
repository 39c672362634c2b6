"""Which of a person's settings reach the functions, and from where."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sidestream.config import ChatSettings
from sidestream.local.errors import LocalSystemError
from sidestream.local.settings import (
    PROJECT,
    PROVIDED,
    LocalOptions,
    foreign_domain,
    personal_settings,
)
from tests.tickets import PACKAGE

NAMES = {name.upper() for name in ChatSettings.model_fields}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_settings_come_from_the_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\nMODEL=from-file\nOTHER=1\n")
    monkeypatch.setenv("MODEL", "from-environment")
    assert personal_settings(tmp_path) == {
        "OPENAI_API_KEY": "from-file",
        "MODEL": "from-environment",
    }


def test_what_the_system_provides_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROVIDED:
        monkeypatch.setenv(name, "mine")
    assert personal_settings(tmp_path) == {}


@pytest.mark.parametrize(
    "name", ["corp.example.com", "EXAMPLE", "localhost", "a b", "platform", "examples.nowhere", "."]
)
def test_a_domain_of_another_program_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / ".env").write_text("DOMAIN=from.file\n")
    monkeypatch.setenv("DOMAIN", name)
    assert foreign_domain() == name
    assert personal_settings(tmp_path, foreign={"DOMAIN"}) == {"DOMAIN": "from.file"}


@pytest.mark.parametrize("name", ["", " ", PACKAGE])
def test_a_domain_that_is_there_is_meant(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DOMAIN", name)
    assert foreign_domain() == ""


@pytest.mark.parametrize(
    ("arguments", "shell", "given"),
    [
        ((f"DOMAIN={PACKAGE}",), "corp.example.com", f"--domain {PACKAGE}"),
        ((), "corp.example.com", ""),
        ((), "", ""),
    ],
)
def test_make_passes_on_only_what_it_was_told(
    arguments: tuple[str, ...], shell: str, given: str
) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "run", "WEB=0", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DOMAIN": shell},
        capture_output=True,
        text=True,
        check=True,
    )
    [command] = [line for line in done.stdout.splitlines() if "sidestream local" in line]
    assert command.split("sidestream local")[1].split() == given.split()


def test_provided_names_are_settings() -> None:
    assert PROVIDED <= NAMES


@pytest.mark.parametrize(("settings", "scripted"), [({}, True), ({"OPENAI_API_KEY": "k"}, False)])
def test_scripted_model_answers_without_a_key(settings: dict[str, str], scripted: bool) -> None:
    assert LocalOptions(settings=settings).scripted is scripted


class TestSignIns:
    ENTRY = '{"issuer": "https://a", "audience": "b", "jwks_url": "https://a/jwks"}'

    def test_come_from_the_file(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"AUTH_ISSUERS='[{self.ENTRY}]'\n")
        options = LocalOptions(settings=personal_settings(tmp_path))
        assert options.issuers == [json.loads(self.ENTRY)]

    def test_there_may_be_none(self) -> None:
        assert LocalOptions().issuers == []

    @pytest.mark.parametrize("text", ["none", "{", "{}", "7", ENTRY])
    def test_what_is_no_list_is_said(self, text: str) -> None:
        with pytest.raises(LocalSystemError, match=r"^The setting AUTH_ISSUERS is not valid: it"):
            _ = LocalOptions(settings={"AUTH_ISSUERS": text}).issuers
