"""The manifest of a domain, and the command that writes and checks it."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import examples.tickets
from sidestream.tool_server.manifest import check, main
from tests.tickets import PACKAGE

COPY = "tickets_to_be_changed"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tickets, and its manifest."""
    folder = tmp_path / COPY
    shutil.copytree(Path(examples.tickets.__file__).parent, folder)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder / "tools.json"
    for name in [name for name in sys.modules if name.startswith(COPY)]:
        del sys.modules[name]


def test_what_fits_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--check", PACKAGE])
    assert capsys.readouterr() == ("", "")


def test_one_that_is_out_of_date_is_said_and_written_again(copy: Path) -> None:
    before = copy.read_bytes()
    entries = json.loads(before)
    entries[0]["description"] = "Something else."
    copy.write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(SystemExit) as raised:
        main([PACKAGE, "--check", COPY])
    assert str(raised.value).startswith(f"The manifest of {COPY} is not what its server lists.")
    assert str(raised.value).endswith(f"python -m sidestream.tool_server.manifest {COPY}")
    main([COPY])
    assert copy.read_bytes() == before


def test_a_tool_that_is_not_in_it_yet_is_both(copy: Path) -> None:
    entries = [entry for entry in json.loads(copy.read_bytes()) if entry["name"] != "add_ticket"]
    copy.write_text(json.dumps(entries), encoding="utf-8")
    stale, misfit = check(COPY)
    assert "is not what its server lists" in stale
    assert "it describes the tool add_ticket, which the server does not list" in misfit


def test_a_server_that_cannot_be_imported_is_said(copy: Path) -> None:
    tools = copy.with_name("tools.py")
    tools.write_text(f"import nothing_of_this_name\n{tools.read_text()}")
    [said] = check(COPY)
    assert said.startswith(f"The server {COPY}.tools cannot be imported (No module named")


def test_a_domain_whose_server_is_elsewhere_has_its_pack_checked() -> None:
    assert list(check("tests.local.cities")) == []


def test_a_package_has_to_be_named() -> None:
    with pytest.raises(SystemExit, match="Name the package"):
        main(["--check"])
