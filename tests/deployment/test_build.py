"""What `sam build` makes: complete, small, compiled."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deployment.built import Built, size_bytes
from tests.deployment.conftest import ROOT

pytestmark = pytest.mark.slow

MB = 1_000_000
BUDGETS = {
    "ChatDependenciesArm64": 105 * MB,
    "ChatDependenciesX86": 105 * MB,
    "TasksDependenciesArm64": 65 * MB,
    "TasksDependenciesX86": 65 * MB,
    "ChatFunction": 4 * MB,
    "TasksFunction": 4 * MB,
}
CHAT_LIMIT = 120 * MB
ANCHORS = (yaml.AnchorToken, yaml.AliasToken)


@pytest.mark.parametrize("part", BUDGETS)
def test_a_part_keeps_to_its_budget(built: Built, part: str) -> None:
    assert size_bytes(built.folder / part) < BUDGETS[part]


def test_the_chat_with_its_layers_is_small(built: Built) -> None:
    parts = [built.code("ChatFunction"), built.layer("ChatFunction")]
    assert sum(size_bytes(part) for part in parts) < CHAT_LIMIT


@pytest.mark.parametrize("part", BUDGETS)
def test_the_sizes_in_the_docs_are_right(built: Built, part: str) -> None:
    documented = re.search(rf"`{part}` \| ([\d.]+) MB", (ROOT / "docs/operations.md").read_text())
    assert documented is not None
    actual_mb = size_bytes(built.folder / part) / MB
    assert float(documented[1]) == pytest.approx(actual_mb, rel=0.1, abs=0.5)


@pytest.mark.parametrize("part", BUDGETS)
def test_every_module_has_its_bytecode(built: Built, part: str) -> None:
    """PEP 552: flags 1 is hash-based and unchecked, which a zip's lost times cannot void."""
    folder = built.folder / part
    modules = list(folder.rglob("*.py"))
    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        if not compiled.exists() and b"lib2to3" in module.read_bytes():
            continue
        assert compiled.exists(), module
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1, module


def test_what_only_a_laptop_needs_stays_there(built: Built) -> None:
    for function in ("ChatFunction", "TasksFunction"):
        package = built.code(function) / "sidestream"
        assert not (package / "local").exists()
        assert not (package / "cli").exists()
        assert (package / "locale").exists()
        assert sorted(built.code(function).iterdir()) == [package]


def test_what_the_runtime_brings_is_not_brought_again(built: Built) -> None:
    for function in ("ChatFunction", "TasksFunction"):
        packages = {path.name for path in (built.layer(function) / "python").iterdir()}
        assert not packages & {"boto3", "botocore", "urllib3", "jmespath", "awslambdaric"}
        assert not packages & {"pytest", "moto", "uv", "typer", "bin"}


def test_the_built_template_stands_alone(built: Built) -> None:
    """CloudFormation knows no YAML anchors; the source uses them, the build has to resolve them."""
    text = (built.folder / "template.yaml").read_text()
    assert not [token for token in yaml.scan(text) if isinstance(token, ANCHORS)]
    assert "CodeUri: ChatFunction" in text


def test_lambdas_user_may_read_what_a_careful_builder_made(tmp_path: Path) -> None:
    """It is another user than the files' owner, who may keep new files to itself."""
    command = f"umask 077; make -s -C src build-TasksFunction ARTIFACTS_DIR={tmp_path}/made"
    subprocess.run(
        ["bash", "-c", command], cwd=ROOT, check=True, env={**os.environ, "PYTHON": sys.executable}
    )
    made = [tmp_path / "made", *(tmp_path / "made").rglob("*")]
    assert len(made) > 100
    for path in made:
        needed = 0o005 if path.is_dir() else 0o004
        assert path.stat().st_mode & needed == needed, path
