"""What a machine that lacks a system package is told: the command of its own package manager."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def ask(folder: Path, system: str, *packages: str) -> tuple[int, str]:
    """Ask for packages on a machine with an empty PATH; the exit code, and what was said."""
    for name in ("bash", "dirname"):
        program = shutil.which(name)
        assert program is not None
        (folder / name).symlink_to(program)
    (folder / "uname").write_text(f"#!/bin/sh\necho {system}\n")
    (folder / "uname").chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "scripts/system-packages", *packages],
        env={"PATH": str(folder)},
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
