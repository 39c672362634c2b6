"""`make deploy` prints what it runs, asks first, shows no secret, and stops at what fails."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from scripts.deploy import Refused, Step, take

from tests.deployment.conftest import ROOT

# As `sam deploy --guided` saves what it was answered.
SAVED = """
[default.global.parameters]
stack_name = "ours"
[default.deploy.parameters]
region = "eu-central-1"
parameter_overrides = "DatabaseUrlSecretArn=\\"arn:aws:x\\" Models=\\"\\" Release=\\"old\\""
"""
NAME = re.compile(r"Release=([0-9a-f]{12}(?:-changed)?)(?:\s|$)")


def deploy(
    *options: str,
    config: str | None = None,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run it on this repository, or with another samconfig.toml in a repository of its own."""
    home = ROOT
    if config is not None:
        assert folder is not None
        home = folder
        (home / "scripts").mkdir()
        (home / "scripts/deploy.py").write_text((ROOT / "scripts/deploy.py").read_text())
        (home / "samconfig.toml").write_text(config)
        git = ["git", "-C", str(home), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
            subprocess.run([*git, *words], check=True)
    own = {k: v for k, v in os.environ.items() if k not in ("DIRECT_DATABASE_URL",)}
    return subprocess.run(
        [sys.executable, home / "scripts/deploy.py", *options],
        env={**own, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def commands(output: str) -> list[str]:
    return [line for line in output.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("stage", "environment"), [("dev", "default"), ("staging", "staging"), ("prod", "prod")]
)
def test_a_dry_run_prints_each_command_and_runs_none(stage: str, environment: str) -> None:
    done = deploy(stage, "--dry-run")
    assert done.returncode == 0, done.stderr
    build, migrate, versions, sam, healthz, doctor, ttft = commands(done.stdout)
    assert build == "scripts/build"
    assert migrate == 'sidestream migrate --url "$DIRECT_DATABASE_URL"'
    assert sam.startswith(f"sam deploy --guided --config-env {environment} ")
    assert f"Stage={stage}" in sam
    assert NAME.search(sam)
    assert healthz.endswith("/healthz")
    assert doctor.startswith("sidestream doctor --url ")
    assert ttft.startswith("sidestream ttft --url ")
    assert versions.startswith("python scripts/remove_versions.py --stack-name sidestream")


def test_every_parameter_of_samconfig_is_passed_on(tmp_path: Path) -> None:
    """Overrides of the command line take the place of all those of the file."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    sam = commands(deploy("prod", "--dry-run").stdout)[3]
    for given in config["prod"]["deploy"]["parameters"]["parameter_overrides"]:
        assert given in sam.split()

    sam = commands(deploy("dev", "--dry-run", config=SAVED, folder=tmp_path).stdout)[3]
    assert "--guided" not in sam
    assert "DatabaseUrlSecretArn=arn:aws:x" in sam
    assert """'Models=""'""" in sam
    assert "Release=old" not in sam
    assert NAME.search(sam)


def test_no_secret_is_shown() -> None:
    secrets = {"DIRECT_DATABASE_URL": "postgresql://o:s3cr3t@h/d", "SIDESTREAM_TOKEN": "t0k3n"}
    done = deploy("staging", "--dry-run", variables=secrets)
    assert "is not set" not in done.stdout
    assert not any(word in done.stdout + done.stderr for word in ("s3cr3t", "t0k3n"))


def test_what_is_missing_is_left_out_and_said() -> None:
    done = deploy("staging", "--dry-run", variables={"SIDESTREAM_TOKEN": ""})
    assert "# left out: DIRECT_DATABASE_URL is not set" in done.stdout
    assert done.stdout.count("# left out: SIDESTREAM_TOKEN is not set") == 2


def test_nothing_is_run_unless_somebody_says_yes(tmp_path: Path) -> None:
    done = deploy("dev", config=SAVED, folder=tmp_path)
    assert done.returncode == 1
    assert "Stopped before: Build the functions" in done.stderr
    assert commands(done.stdout)[0] == "scripts/build"
    assert "sam deploy" not in done.stdout


def test_it_stops_at_what_fails(tmp_path: Path) -> None:
    done = deploy("dev", "--yes", config=SAVED, folder=tmp_path)  # there is no scripts/build
    assert done.returncode == 1
    assert "It ended with 127, so nothing more is done." in done.stderr
    assert "sam deploy" not in done.stdout


def test_what_a_release_does_not_need_may_fail(capfd: pytest.CaptureFixture[str]) -> None:
    steps = [Step("tidy", "exit 3", needed=False), Step("deploy", "echo reached")]
    take(steps, lambda _step: True, dry_run=False)
    assert "It ended with 3, and the rest goes on." in capfd.readouterr().out
    with pytest.raises(Refused, match="ended with 3"):
        take([Step("deploy", "exit 3")], lambda _step: True, dry_run=False)


def test_versions_are_deleted_before_a_release_and_of_a_stack_that_is_there(tmp_path: Path) -> None:
    assert "# left out: nothing was deployed from here yet" in deploy("dev", "--dry-run").stdout
    done = deploy("dev", "--dry-run", config=SAVED, folder=tmp_path)
    removing, deploying = commands(done.stdout)[2:4]
    assert removing.endswith("remove_versions.py --stack-name ours --region eu-central-1")
    assert deploying.startswith("sam deploy")


def test_a_first_deployment_is_not_left_unasked() -> None:
    done = deploy("dev", "--yes")
    assert done.returncode == 1
    assert "run it without --yes" in done.stderr


def test_prod_is_a_commit(tmp_path: Path) -> None:
    config = SAVED.replace("default", "prod")
    deploy("prod", "--dry-run", config=config, folder=tmp_path)
    (tmp_path / "more").write_text("not in the commit")
    done = subprocess.run(
        [sys.executable, tmp_path / "scripts/deploy.py", "prod", "--yes"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Commit them" in done.stderr
