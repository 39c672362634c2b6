"""A function never meets another processor's libraries, whatever one builds and answers."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deployment.built import Built
from tests.deployment.conftest import ROOT, Document

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
LAYERS = {
    "ChatDependenciesArm64": "arm64",
    "ChatDependenciesX86": "x86_64",
    "TasksDependenciesArm64": "arm64",
    "TasksDependenciesX86": "x86_64",
}


def check(machine: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the build asks of each layer at its end."""
    return subprocess.run(
        [sys.executable, ROOT / "layers/machine.py", machine, folder],
        capture_output=True,
        text=True,
    )


def expect_right_libraries(folder: Path) -> None:
    for layer, architecture in LAYERS.items():
        done = check(MACHINES[architecture], folder / layer)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_building_for_one_processor_after_the_other_keeps_each_right(built: Built) -> None:
    """In one folder, with its cache; the last is a plain build, for the default."""
    expect_right_libraries(built.folder)
    for overrides in (["--parameter-overrides", "Architecture=x86_64"], []):
        done = subprocess.run(
            [
                *(ROOT / "scripts/build", "--build-dir", built.folder),
                *("--cache-dir", built.folder.parent / "cache"),
                *overrides,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        expect_right_libraries(built.folder)


@pytest.mark.parametrize("architecture", MACHINES)
def test_whatever_is_answered_picks_the_layer_for_it(template: Document, architecture: str) -> None:
    holds = {"IsArm": architecture == "arm64", "IsX86": architecture == "x86_64"}
    for condition in holds:
        [_parameter, value] = template["Conditions"][condition]["Fn::Equals"]
        assert (value == architecture) is holds[condition]

    resources = template["Resources"]
    for function in ("ChatFunction", "TasksFunction", "TidyFunction"):
        [chosen] = resources[function]["Properties"]["Layers"]
        condition, yes, no = chosen["Fn::If"]
        layer = (yes if holds[condition] else no)["Ref"]
        assert LAYERS[layer] == architecture
        assert holds[resources[layer]["Condition"]]
        assert resources[layer]["Properties"]["CompatibleArchitectures"] == [architecture]
        assert resources[layer]["Metadata"]["BuildArchitecture"] == architecture
    assert {name for name in resources if "Dependencies" in name} == set(LAYERS)


ELF: Mapping[str, bytes] = {
    "aarch64": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00",
    "x86_64": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00",
    "unknown": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xf3\x00",
}


@pytest.mark.parametrize("wrong", ["aarch64", "unknown"])
def test_one_library_for_another_processor_fails_the_build(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "right.so").write_bytes(ELF["x86_64"])
    assert check("x86_64", tmp_path).returncode == 0
    (tmp_path / "sub/wrong.so.5").write_bytes(ELF[wrong])
    done = check("x86_64", tmp_path)
    assert done.returncode == 1
    assert f"wrong.so.5: {wrong}" in done.stderr
    assert "right.so" not in done.stderr


def test_a_layer_without_any_library_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("pass")
    assert "no compiled library" in check("aarch64", tmp_path).stderr
