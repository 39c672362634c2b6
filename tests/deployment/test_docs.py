"""The documents name every setting, parameter, metric, alarm and query that there is."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from sidestream.config import ChatSettings, TidySettings
from sidestream.streaming import settings as streaming_settings
from tests.deployment import observability
from tests.deployment.conftest import ROOT, Document, of_type

SETTINGS = {**ChatSettings.model_fields, **TidySettings.model_fields}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def rows(document: str) -> dict[str, str]:
    """The second column of each table row by each name in code style in its first."""
    found = {}
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 3:
            found.update(dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1]))
    return found


def test_every_setting_is_documented_with_its_default() -> None:
    documented = rows(read("docs/configuration.md"))
    for name, field in SETTINGS.items():
        said = documented[name.upper()]
        assert ("secret" in said) == (field.annotation is SecretStr), name
        if field.is_required():
            assert "required" in said, name
            continue
        default = field.get_default()
        assert default is not PydanticUndefined
        secret = isinstance(default, SecretStr)
        shown = default.get_secret_value() if secret else default
        expected = f"`{shown}`" if shown not in ("", (), None) else "empty"
        assert said.startswith(expected), f"{name}: {said} is not {expected}"


def test_no_document_names_a_setting_that_is_not_there() -> None:
    settings = {name.upper() for name in SETTINGS}
    runtime = set(re.findall(r"STREAM_\w+", streaming_settings.Settings.__doc__ or ""))
    documented = {name for name in rows(read("docs/configuration.md")) if name.isupper()}
    assert documented == settings | runtime


def test_every_parameter_is_documented(template: Document) -> None:
    documented = rows(read("docs/configuration.md"))
    for name, parameter in template["Parameters"].items():
        said = documented[name]
        if "Default" not in parameter:
            assert said == "required", name
        elif said != "as the settings":
            shown = str(parameter["Default"])
            assert (f"`{shown}`" if shown else "empty") in said, name


def test_every_metric_alarm_and_query_is_in_the_operations_guide(resources: Document) -> None:
    guide = read("docs/operations.md")
    for namespace, name, _dimensions in observability.metrics(resources):
        if namespace == "Sidestream":
            assert f"`{name}`" in guide, name
    for name in of_type(resources, "AWS::CloudWatch::Alarm"):
        assert f"`{name}`" in guide, name
    for query in of_type(resources, "AWS::Logs::QueryDefinition").values():
        name = query["Name"]["Fn::Sub"].partition("/")[2]
        assert name in guide, name


@pytest.mark.parametrize(
    "name",
    [
        "docs/api.md",
        "docs/architecture.md",
        "docs/configuration.md",
        "docs/cost.md",
        "docs/hosting-the-page.md",
        "docs/operations.md",
        "docs/scale.md",
        "docs/take-a-part-out.md",
        "DEPLOYMENT_CHECKLIST.md",
    ],
)
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = read(name)
    here = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (here / target).exists(), target
    for path in re.findall(r"`((?:docs|src|tests|layers|frontend|scripts)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_a_chapter_of_a_page_is_found_by_its_name(path: Path) -> None:
    chapters = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
    assert len(set(chapters)) == len(chapters)


def test_the_chapter_on_replacing_has_each_secret() -> None:
    guide = read("docs/operations.md")
    chapter = guide.split("\n## Replacing a secret\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (.+)$", chapter, re.MULTILINE) == [
        "The session signing key",
        "The tool signing key",
        "The database password",
        "The model's key",
        "The page's secret",
    ]
