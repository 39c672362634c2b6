"""The project's own SAM CLI, as the commands on this machine use it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from sidestream.local.errors import LocalSystemError
from sidestream.local.settings import PROJECT

SAM: Final = PROJECT / ".tools/sam/bin/sam"
BUILT: Final = PROJECT / ".aws-sam/build/template.yaml"
"""The template that `sam build` makes, beside what it names."""
_SOURCES: Final = ("src", "layers", "template.yaml")


def environment(shell: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A shell's variables, with credentials that are nobody's.

    Without the last two the SAM CLI looks for an account, for seconds.
    """
    return {
        **shell,
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    }


def is_stale() -> bool:
    """Whether there is no build, or one that is older than what it is made of."""
    if not SAM.exists() or not BUILT.exists():
        return True
    made = BUILT.stat().st_mtime
    files = (path for name in _SOURCES for path in (PROJECT / name, *(PROJECT / name).rglob("*")))
    return any(
        path.stat().st_mtime > made for path in files if path.is_file() and path.suffix != ".pyc"
    )


def build(output: IO[str]) -> None:
    """Build. Raises `LocalSystemError` when it does not build."""
    for script in ("deploy-tools", "build"):
        command = [str(PROJECT / "scripts" / script)]
        done = subprocess.run(  # noqa: S603
            command, cwd=PROJECT, stdout=output, stderr=output, check=False
        )
        if done.returncode != 0:
            raise LocalSystemError("The functions could not be built; what was wrong is above.")


def invoke(
    function: str, event: Path, *, template: Path, files: Path, shell: Mapping[str, str]
) -> tuple[int, bytes]:
    """Run a function of a built template once in a container, its log on standard error.

    `files` is where a system's `SamLocal` wrote. Gives the exit code and what the function
    answered.
    """
    command = [
        *(str(SAM), "local", "invoke", function, "--event", str(event), "--skip-pull-image"),
        *("--template", str(template)),
        *("--env-vars", str(files / "env.json")),
        *("--parameter-overrides", f"file://{files / 'parameters.yaml'}"),
    ]
    done = subprocess.run(  # noqa: S603
        command, cwd=PROJECT, env=environment(shell), stdout=subprocess.PIPE, check=False
    )
    return done.returncode, done.stdout
