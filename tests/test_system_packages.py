"""What a machine that lacks a system package is told: the command of its own package manager."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def ask(folder: Path, system: str, *packages: str, **settings: str) -> tuple[int, str]:
    """Ask for packages on a machine with an empty PATH; the exit code, and what was said."""
    for name in ("bash", "dirname"):
        program = shutil.which(name)
        assert program is not None
        if not (folder / name).exists():
            (folder / name).symlink_to(program)
    (folder / "uname").write_text(f"#!/bin/sh\necho {system}\n")
    (folder / "uname").chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "scripts/system-packages", *packages],
        env={"PATH": str(folder), **settings},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_a_mac_is_told_what_to_brew_and_has_the_fonts(tmp_path: Path) -> None:
    code, said = ask(tmp_path, "Darwin", "nodejs", "fonts-noto-core")
    assert code == 1
    assert said.splitlines() == [
        "Please install these system packages and try again: nodejs",
        "  brew install node",
    ]


def test_another_machine_is_told_the_names(tmp_path: Path) -> None:
    code, said = ask(tmp_path, "Linux", "nodejs", "fonts-noto-core")
    assert code == 1
    assert said == ("Please install these system packages and try again: nodejs fonts-noto-core\n")


def test_what_is_optional_is_said_and_a_failure_in_continuous_integration_alone(
    tmp_path: Path,
) -> None:
    code, said = ask(tmp_path, "Darwin", "--optional", "nodejs")
    assert code == 0
    assert said.splitlines() == [
        "Not installed here, so the tests that need them are left out: nodejs",
        "  brew install node",
    ]
    code, said = ask(tmp_path, "Darwin", "--optional", "nodejs", CI="true")
    assert code == 1
    assert said.startswith("Please install these system packages and try again: nodejs")


def test_a_browser_that_was_named_and_does_not_exist_is_named(tmp_path: Path) -> None:
    code, said = ask(tmp_path, "Linux", "chromium", CHROMIUM="/nowhere/chromium")
    assert code == 1
    assert said.startswith("/nowhere/chromium is not a program")
