"""Which of a person's settings reach the functions, and from where."""

from pathlib import Path

import pytest

from sidestream.config import ChatSettings
from sidestream.local.settings import PROVIDED, LocalOptions, personal_settings

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


def test_provided_names_are_settings() -> None:
    assert PROVIDED <= NAMES


@pytest.mark.parametrize(("settings", "scripted"), [({}, True), ({"OPENAI_API_KEY": "k"}, False)])
def test_scripted_model_answers_without_a_key(settings: dict[str, str], scripted: bool) -> None:
    assert LocalOptions(settings=settings).scripted is scripted
