"""The wheel: what it demands, what it holds, and each part of it with nothing else installed."""

import email.message
import email.parser
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from packaging.requirements import Requirement

from sidestream.local.emulator import FunctionSpec, FunctionUrl, InvokeMode
from tests.deployment.conftest import ROOT

PARTS = ("streaming", "store", "emulator", "chat", "tasks")
PINS = {
    "chat": ROOT / "layers/chat/requirements.in",
    "tasks": ROOT / "layers/tasks/requirements.in",
}
IMPORTS = {
    "streaming": "sidestream.streaming.__main__",
    "store": "sidestream.store.threads, sidestream.store.runs, sidestream.store.migrate, yoyo",
    "emulator": "sidestream.local.emulator.__main__",
    "chat": "sidestream.chat.app",
    "tasks": "sidestream.tasks.app, sidestream.tool_server.adapter",
}
APP = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from the wheel"})
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.parser.BytesParser().parsebytes(archive.read(name))


def demanded(metadata: email.message.Message, part: str) -> dict[str, Requirement]:
    """What `sidestream[part]` demands, by name."""
    found = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    return {
        each.name: each for each in found if each.marker and each.marker.evaluate({"extra": part})
    }


def pins(*files: Path) -> dict[str, Requirement]:
    """What a `requirements.in` and the files that it includes pin, by name."""
    found: dict[str, Requirement] = {}
    for file in files:
        for line in file.read_text().splitlines():
            if line.startswith("-r "):
                found |= pins(file.parent / line[3:])
            elif line and not line.startswith("#"):
                pinned = Requirement(line)
                found[pinned.name] = pinned
    return found


def version(pinned: Requirement) -> str:
    [specifier] = pinned.specifier
    assert specifier.operator == "=="
    return specifier.version


def test_every_part_is_an_extra_and_nothing_is_demanded_of_all(
    metadata: email.message.Message,
) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == set(PARTS)
    assert all("extra ==" in line for line in metadata.get_all("Requires-Dist", []))
    assert demanded(metadata, "streaming") == {}


@pytest.mark.parametrize("part", PINS)
def test_a_function_demands_what_its_layer_has(metadata: email.message.Message, part: str) -> None:
    wanted, had = demanded(metadata, part), pins(PINS[part])
    assert {name: each.extras for name, each in wanted.items()} == {
        name: each.extras for name, each in had.items()
    }


@pytest.mark.parametrize("part", PARTS)
def test_what_we_run_is_what_a_part_takes(metadata: email.message.Message, part: str) -> None:
    ours = pins(ROOT / "requirements/local.in")
    for name, wanted in demanded(metadata, part).items():
        assert wanted.specifier.contains(version(ours[name])), name
        assert not wanted.specifier.contains("99"), name


def test_all_of_the_package_is_in_it(wheel: Path) -> None:
    """Migrations, texts, card templates, the tools' manifest, and the exec wrapper as a program."""
    source = ROOT / "src"
    there = {
        str(path.relative_to(source)): os.access(path, os.X_OK)
        for path in (source / "sidestream").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert there.keys() <= held.keys()
    assert {path for path, runs in there.items() if runs} == {
        path for path in there if held[path] & 0o111
    }
    kinds = {Path(path).suffix for path in there}
    assert kinds >= {".py", ".sql", ".po", ".widget", ".json", ".typed"}


type Install = Callable[[str], Path]


@pytest.fixture(scope="module")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Gives the folder of a fresh environment with one part of the wheel."""
    found = subprocess.run(
        ["bash", "-c", ". scripts/_common.sh && find_uv"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    uv = found.stdout.strip()

    def into(part: str) -> Path:
        folder = tmp_path_factory.mktemp(part)
        pinned = ("--constraints", ROOT / "requirements/dev.txt")
        for arguments in (
            ("venv", "--quiet", "--python", sys.executable, folder),
            ("pip", "install", "--quiet", "--python", folder, *pinned, f"{wheel}[{part}]"),
        ):
            done = subprocess.run([uv, *arguments], capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
        return folder

    return into


@pytest.mark.slow
@pytest.mark.parametrize("part", [part for part in PARTS if part != "streaming"])
def test_a_part_is_imported_with_nothing_else_installed(install: Install, part: str) -> None:
    done = subprocess.run(
        [install(part) / "bin/python", "-I", "-c", f"import {IMPORTS[part]}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
async def test_the_runtime_runs_from_the_wheel_alone(install: Install, tmp_path: Path) -> None:
    """Through the exec wrapper, as on Lambda, and through the installed command, as in an image."""
    folder = install("streaming")
    [packages] = folder.glob("lib/*/site-packages")
    names = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}
    assert names == {"sidestream"}
    (tmp_path / "main.py").write_text(APP)

    wrapper = packages / "sidestream/streaming/stream-runtime"
    for command, exec_wrapper in (((), wrapper), ((str(folder / "bin/stream-runtime"),), None)):
        spec = FunctionSpec(
            name="wheel",
            command=command,
            handler="stream-runtime",
            env={"STREAM_APP": "main:app"},
            cwd=tmp_path,
            invoke_mode=InvokeMode.RESPONSE_STREAM,
            exec_wrapper=exec_wrapper,
            python=str(folder / "bin/python"),
        )
        async with FunctionUrl(spec) as function, httpx2.AsyncClient(timeout=30) as client:
            assert (await client.get(function.url)).text == "from the wheel"
