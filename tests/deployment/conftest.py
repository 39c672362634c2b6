"""The template as data, and the tools that check it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"

type Document = dict[str, Any]


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


def of_type(resources: Document, kind: str) -> Document:
    """The properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == kind
    }
