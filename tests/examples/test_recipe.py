"""The recipe for another domain names files and tests, and they are there."""

import re
import textwrap
from pathlib import Path

import pytest

import examples.tickets

PROJECT = Path(__file__).parents[2]
FOLDER = Path(examples.tickets.__file__).parent
RECIPE = (PROJECT / "docs" / "replace-the-domain.md").read_text(encoding="utf-8")
ROWS = [
    [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
    for line in RECIPE.partition("## The files")[2].partition("## The steps")[0].splitlines()
    if line.startswith("| `")
]
COMMANDS = [
    textwrap.dedent(block)
    for block in re.findall(
        r"^ *```sh\n(.*?)^ *```$",
        RECIPE.partition("## The steps")[2].partition("\n## ")[0],
        re.M | re.S,
    )
]
"""What a person types on the way, step by step."""
FILES = sorted(name for files, _what, _tests in ROWS for name in files)
TESTS = sorted({name for _files, _what, tests in ROWS for name in tests})


def test_every_file_of_the_example_is_named() -> None:
    named = {name.strip("/").split("/")[0] for name in FILES}
    there = {path.name for path in FOLDER.iterdir()} - {"__init__.py", "__pycache__"}
    assert there == named


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_there(name: str) -> None:
    assert (FOLDER / name).exists()


@pytest.mark.parametrize(
    "path",
    re.findall(r"`([\w.]+/[\w./]*)`", RECIPE.partition("## Delete the tasks")[2].split("## ")[0]),
)
def test_what_is_to_be_deleted_or_changed_is_there(path: str) -> None:
    assert (PROJECT / path).exists()


@pytest.mark.parametrize("name", TESTS)
def test_each_test_is_there(name: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py")]
    assert any(re.search(rf"^\s*(class|(async )?def) {name}\b", text, re.M) for text in sources)
