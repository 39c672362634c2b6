"""The scripts that set the project up, in shells that hold settings for other projects."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts, and a page with one package that only its build needs."""
    path = tmp_path / "my projects" / "sidestream für alle"
    shutil.copytree(PROJECT / "scripts", path / "scripts")
    shutil.copytree(PROJECT / "requirements", path / "requirements")
    shutil.copy(PROJECT / "pyproject.toml", path)
    tool = path / "frontend" / "build-tool"
    tool.mkdir(parents=True)
    (tool / "package.json").write_text('{"name": "build-tool", "version": "1.0.0"}')
    (path / "frontend" / "package.json").write_text(
        '{"name": "page", "devDependencies": {"build-tool": "file:build-tool"}}'
    )
    in_shell(path / "frontend", "npm install --package-lock-only --offline --silent")
    return path


def in_shell(folder: Path, command: str, **shell: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [shutil.which("bash") or "", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**kept, **shell},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_for_the_oldest_postgres_are_there() -> None:
    script = (PROJECT / "scripts" / "pytest-postgres").read_text()
    lists = [line for line in script.splitlines() if line.startswith(("store=(", "runs=("))]
    named = in_shell(PROJECT, "; ".join([*lists, r'printf "%s\n" "${store[@]}" "${runs[@]}"']))
    paths = named.stdout.split()
    assert len(lists) == 2
    assert len(paths) > 2
    assert [path for path in paths if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize(
    "shell",
    [
        {"NODE_ENV": "production"},
        {"NPM_CONFIG_OMIT": "dev"},
        {"NPM_CONFIG_PRODUCTION": "true"},
        {"NPM_CONFIG_GLOBAL": "true"},
        {"NPM_CONFIG_LOCATION": "global"},
        {"NPM_CONFIG_DRY_RUN": "true"},
        {"NPM_CONFIG_PACKAGE_LOCK_ONLY": "true"},
        {"NPM_CONFIG_WORKSPACES": "true"},
    ],
    ids=str,
)
def test_what_the_page_is_built_with_is_installed(checkout: Path, shell: dict[str, str]) -> None:
    done = in_shell(checkout, "scripts/node-packages", **shell)
    assert done.returncode == 0, done.stderr
    assert (checkout / "frontend" / "node_modules" / "build-tool").exists()


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    stamp = checkout / "frontend" / "node_modules" / ".sidestream-setup"
    assert in_shell(checkout, "scripts/node-packages").returncode == 0
    whole = stamp.read_text()
    package = checkout / "frontend" / "package.json"
    text = package.read_text()
    package.write_text(text.replace("file:build-tool", "file:not-there"))
    assert in_shell(checkout, "scripts/node-packages").returncode != 0
    assert not stamp.exists()
    package.write_text(text)
    assert in_shell(checkout, "scripts/node-packages").returncode == 0
    assert stamp.read_text() == whole


def test_settings_of_pip_and_uv_that_change_what_is_installed_do_not_count(checkout: Path) -> None:
    kept = {
        "PIP_INDEX_URL": "https://packages.example.com",
        "PIP_CERT": "/company.pem",
        "UV_DEFAULT_INDEX": "https://packages.example.com",
        "UV_HTTP_TIMEOUT": "60",
        "UV_PYTHON_INSTALL_MIRROR": "https://packages.example.com",
        "UV_SYSTEM_CERTS": "false",
    }
    lost = {
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PIP_NO_DEPS": "1",
        "UV_SYSTEM_PYTHON": "1",
        "UV_REQUIRE_HASHES": "1",
        "UV_TARGET": "/elsewhere",
    }
    done = in_shell(checkout, ". scripts/_common.sh; env", **kept, **lost)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: found[name] for name in found if name.startswith(("PIP_", "UV_"))} == kept


def test_a_uv_that_cannot_be_installed_is_not_taken_for_a_python_that_is_missing(
    checkout: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "env", "rm"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    done = in_shell(
        checkout,
        "scripts/setup",
        PATH=str(programs),
        PYTHON313=sys.executable,
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9",
        PIP_RETRIES="0",
        PIP_NO_CACHE_DIR="1",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("uv could not be installed.")
