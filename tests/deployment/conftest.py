"""The template as data, and the tools that check it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from sidestream.local.system import LocalSystem

if TYPE_CHECKING:
    from tests.deployment.built import Built

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"

type Document = dict[str, Any]


def container_engine() -> bool:
    """Tell whether a Docker-compatible engine answers where the SAM CLI looks for one."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(host.removeprefix("unix://"))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        except OSError:
            return False


LEFT_OUT = {
    **({} if container_engine() else {"test_sam_local.py": "no container engine"}),
    **({} if sys.platform == "linux" else {"test_artifacts.py": "built for Linux"}),
}
collect_ignore = list(LEFT_OUT)


def pytest_report_header() -> list[str]:
    """Say which tests are left out, and why."""
    return [f"left out: {name}, {reason}" for name, reason in LEFT_OUT.items()]


@pytest.fixture(scope="session")
def system(deployed_system: LocalSystem) -> LocalSystem:
    """The running system with the domain that the template deploys."""
    return deployed_system


@pytest.fixture(scope="session")
def template() -> Document:
    """The template with `!Ref x` as `{"Ref": "x"}` and so on."""
    document: Document = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE)), default=str))
    return document


@pytest.fixture(scope="session")
def resources(template: Document) -> Document:
    resources: Document = template["Resources"]
    return resources


@pytest.fixture(scope="session")
def deploy_tools() -> Path:
    """The folder with the SAM CLI's and checkov's environments, installed if need be."""
    subprocess.run([ROOT / "scripts/deploy-tools"], check=True, timeout=600)
    return ROOT / ".tools"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> "Built":
    """The functions, built once for all the tests that need them."""
    from tests.deployment.built import build

    return build(tmp_path_factory.mktemp("sam"))


def of_type(resources: Document, kind: str) -> Document:
    """The properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == kind
    }
