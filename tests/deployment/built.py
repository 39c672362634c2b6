"""The functions as `sam build` makes them, and how to run them outside Lambda."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sidestream.local.emulator import FunctionSpec
from sidestream.local.functions import WRAPPER
from tests.deployment.conftest import ROOT

HERE = "Arm64" if platform.machine() in ("arm64", "aarch64") else "X86"
LAYERS = {
    "ChatFunction": f"ChatDependencies{HERE}",
    "TasksFunction": f"TasksDependencies{HERE}",
    "TidyFunction": f"ChatDependencies{HERE}",
}


@dataclass(frozen=True, slots=True)
class Built:
    """A build: a folder with one folder for each function and each dependency layer.

    `python` has the packages of AWS's managed runtime, and no others.
    """

    folder: Path
    python: Path

    def code(self, function: str) -> Path:
        """What Lambda unpacks into /var/task."""
        return self.folder / function

    def layer(self, function: str) -> Path:
        """What Lambda unpacks into /opt from the dependency layer, for this machine's processor."""
        return self.folder / LAYERS[function]

    def environment(self, function: str) -> Mapping[str, str]:
        """The variables with which the code finds its layer."""
        return {"PYTHONPATH": str(self.layer(function) / "python")}

    def spec(self, local: FunctionSpec) -> FunctionSpec:
        """A function of the local system, from the artifacts in place of the source tree, under
        AWS's own runtime where Lambda runs it so."""
        own = self.environment(local.name)
        command = local.command
        if command:
            command = (str(self.python), "-m", "awslambdaric", local.handler)
            own = {"PYTHONPATH": f"{self.code(local.name)}:{own['PYTHONPATH']}"}
        return replace(
            local,
            command=command,
            env={**local.env, **own},
            cwd=self.code(local.name),
            exec_wrapper=self.code(local.name) / WRAPPER if local.exec_wrapper else None,
            python=str(self.python),
            port=0,
        )


def build(folder: Path) -> Built:
    """Build from clean. Takes most of a minute."""
    subprocess.run([ROOT / "scripts/deploy-tools"], check=True, timeout=600)
    done = subprocess.run(
        [
            ROOT / "scripts/build",
            *("--build-dir", folder / "build", "--cache-dir", folder / "cache"),
        ],
        cwd=ROOT,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return Built(folder / "build", ROOT / ".tools/runtime/bin/python")


def size_bytes(folder: Path) -> int:
    """What a folder takes unzipped, as Lambda counts it."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
