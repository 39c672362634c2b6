"""The feature table names tests, and they are there."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
TABLE = (PROJECT / "docs" / "features.md").read_text(encoding="utf-8")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


LINES = [line for line in TABLE.splitlines() if line.startswith("|")]
HEAD, ROWS = _cells(LINES[0]), [_cells(line) for line in LINES[2:]]
OURS = HEAD.index("Sidestream")
NAMED = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[OURS])})


def _is_there(name: str) -> bool:
    path, *parts = name.split("::")
    source = (PROJECT / path).read_text(encoding="utf-8")
    if path.endswith(".ts"):
        [title] = parts
        return re.search(rf'\b(?:it|test)\(\s*"{re.escape(title)}"', source) is not None
    nodes: list[ast.stmt] = ast.parse(source).body
    for part in parts:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found = [node for node in nodes if isinstance(node, kinds) and node.name == part]
        if not found:
            return False
        nodes = found[0].body
    return bool(parts)


def test_the_table_is_whole() -> None:
    assert len(ROWS) >= 22
    assert all(len(row) == len(HEAD) for row in ROWS)
    assert all(cell for row in ROWS for cell in row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_every_cell_of_ours_names_a_test(row: list[str]) -> None:
    assert row[OURS].startswith("✔ `")


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_is_named_exists(name: str) -> None:
    assert _is_there(name)


def test_one_that_is_not_there_would_be_noticed() -> None:
    assert not _is_there("tests/test_features.py::test_nothing")
    assert not _is_there("tests/test_features.py")
    assert not _is_there("frontend/e2e/sidebar.test.ts::nothing of the kind")
