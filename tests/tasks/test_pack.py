"""The tasks' pack: what it says of their tools, and how it reads their rows."""

from pathlib import Path

import sidestream.tasks
from sidestream.domain import load
from sidestream.local.settings import PROJECT
from sidestream.tasks.pack import DOMAIN
from sidestream.tasks.tools import SERVER
from tests.packs import gaps_in_docs, gaps_in_texts, gaps_in_tools

FOLDER = Path(sidestream.tasks.__file__).parent


def test_the_pack_fits() -> None:
    assert load("sidestream.tasks") is DOMAIN


def test_nothing_of_a_tool_is_forgotten() -> None:
    assert list(gaps_in_tools(DOMAIN, SERVER)) == []


def test_every_text_is_in_every_language_and_none_is_left_over() -> None:
    assert list(gaps_in_texts(DOMAIN, FOLDER)) == []


def test_every_tool_is_documented() -> None:
    assert list(gaps_in_docs(DOMAIN, PROJECT / "docs" / "api.md")) == []


def test_rows_are_read_from_one_thing_a_list_and_an_action() -> None:
    task = {"id": "t", "title": "milk", "completed": True, "notes": ""}
    for result in (task, {"data": [task, {"odd": 1}, 7]}):
        [row] = DOMAIN.rows(result)
        assert (row.id, row.plain()) == ("t", "☑ milk")
    assert DOMAIN.rows("words") == DOMAIN.rows(None) == DOMAIN.rows({"data": None}) == []
    assert DOMAIN.row.model_validate({"task_id": "t", "title": "m"}).id == "t"
