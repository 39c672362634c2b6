"""What AWS's and others' own checkers say about the template."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.conftest import ROOT

TEMPLATES = (Path("template.yaml"), Path("examples/streaming/template.yaml"))

AWS_ENVIRONMENT = {
    **os.environ,
    "SAM_CLI_TELEMETRY": "0",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def run(*command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=AWS_ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_cfn_lint(template: Path) -> None:
    assert run(Path(sys.executable).parent / "cfn-lint", ROOT / template) == ""


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_sam_validate(deploy_tools: Path, template: Path) -> None:
    command = deploy_tools / "sam/bin/sam"
    output = run(command, "validate", "--lint", "--region", "us-east-1", "-t", ROOT / template)
    assert "is a valid SAM Template" in output


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_checkov(deploy_tools: Path, template: Path) -> None:
    output = run(
        deploy_tools / "checkov/bin/checkov",
        *("--file", ROOT / template),
        *("--config-file", ROOT / "tests/deployment/checkov.yaml"),
    )
    assert "Failed checks: 0" in output


def test_every_skipped_check_has_its_reason() -> None:
    lines = (ROOT / "tests/deployment/checkov.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.strip().startswith("- CKV"):
            assert lines[number - 1].strip().startswith("# "), f"{line.strip()} has no reason"
