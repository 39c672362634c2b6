"""Each platform that the README names can install the pinned packages as wheels, with no compiler.

uv is asked, which asks the package index; nothing is installed.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deployment.conftest import ROOT

MAC = "aarch64-apple-darwin"
PLATFORMS = {
    "Linux on x86-64 and arm64": ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"),
    "macOS 13 or newer on Apple silicon": (MAC,),
}
# It has wheels for Linux alone; its source is plain Python elsewhere, and built without a compiler.
BUILT_ON_A_MAC = "awslambdaric"


def uv() -> str:
    found = subprocess.run(
        ["bash", "-euc", ". scripts/_common.sh; find_uv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def ask(platform: str, requirements: str, target: Path, *options: str) -> str:
    """What uv says to an installation of a file's packages there; empty when nothing is wrong."""
    done = subprocess.run(
        [
            *(uv(), "pip", "install", "--dry-run", "--quiet", "--target", target),
            *("--python", ".venv/bin/python", "--python-version", "3.13"),
            *("--python-platform", platform, "--only-binary", ":all:", *options),
            *("--no-deps", "--require-hashes", "--requirements", f"requirements/{requirements}"),
        ],
        cwd=ROOT,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "13.0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    "requirements",
    [
        "dev.txt",
        "build.txt",
        "uv.txt",
        "sam.txt",
        "checkov.txt",
        "aws.txt",
        "llama.txt",
        "litellm.txt",
    ],
)
@pytest.mark.parametrize("name", PLATFORMS)
def test_every_package_has_a_wheel(name: str, requirements: str, tmp_path: Path) -> None:
    assert name in " ".join((ROOT / "README.md").read_text().split())
    for platform in PLATFORMS[name]:
        options = ("--no-binary", BUILT_ON_A_MAC) if platform == MAC else ()
        assert ask(platform, requirements, tmp_path, *options) == ""


def test_a_package_without_a_wheel_is_named(tmp_path: Path) -> None:
    """The exception is needed, and uv's answer to a missing wheel is seen."""
    assert f"{BUILT_ON_A_MAC}==" in ask(MAC, "dev.txt", tmp_path)
