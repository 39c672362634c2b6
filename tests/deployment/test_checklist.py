"""The checklist as a newcomer goes through it: in order, with nothing that is not there yet."""

import json
import os
import re
import subprocess
from typing import Any

import pytest
import typer.main

from sidestream.cli.app import app
from tests.deployment.conftest import ROOT, Document

CHECKLIST = (ROOT / "DEPLOYMENT_CHECKLIST.md").read_text()
GUIDES = ["DEPLOYMENT_CHECKLIST.md", "README.md"]
GUIDES += sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))
GIVEN = {"PWD", "PATH"}


def blocks(text: str) -> list[str]:
    """The blocks of commands of a list, without their indent, in order."""
    found = []
    for part in re.split(r"\n\s*\n", text):
        lines = part.split("\n")
        if all(line.startswith("      ") for line in lines if line) and part.strip():
            found.append("\n".join(line[6:].removeprefix(" ") for line in lines))
    return [block for block in found if re.match(r"[a-z(]", block) and "`" not in block]


def test_the_blocks_are_found() -> None:
    assert len(blocks(CHECKLIST)) >= 9
    assert blocks(CHECKLIST)[0].startswith("export PATH=")


@pytest.mark.parametrize("block", blocks(CHECKLIST), ids=lambda block: block.split("\n")[0][:40])
def test_a_block_is_shell(block: str) -> None:
    done = subprocess.run(["bash", "-n", "-c", block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_variable_has_its_value_before_it_is_used() -> None:
    known = set(GIVEN)
    for block in blocks(CHECKLIST):
        for line in block.replace("\\\n", " ").split("\n"):
            for command in line.split("; "):
                used = set(re.findall(r"\$\{?([A-Z_]{2,})", command))
                assert used <= known, f"{used - known} in: {command}"
                known |= set(re.findall(r"(?:export | )([A-Z_]{2,})=", f" {command}"))
    named = set(re.findall(r'"\$([A-Z_]{2,})"', CHECKLIST))
    assert named <= known, named - known


@pytest.mark.parametrize("guide", GUIDES)
def test_make_targets_and_npm_scripts_are_there(guide: str) -> None:
    text = (ROOT / guide).read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(re.findall(r"`[^`\n]+`|^(?: {6,}|)(?:make|npm) .*$", text, re.MULTILINE))
    named = set(re.findall(r"(?:^|[`;&] ?| {6})make ([a-z][a-z-]+)", code, re.MULTILINE))
    assert named <= targets, named - targets
    scripts = json.loads((ROOT / "frontend/package.json").read_text())["scripts"]
    ours = set(re.findall(r"npm run (?:--silent )?([a-z:]+)", code))
    assert ours <= scripts.keys(), ours - scripts.keys()


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_and_options_of_ours_are_there(guide: str) -> None:
    group: Any = typer.main.get_command(app)
    text = (ROOT / guide).read_text()
    for name, rest in re.findall(r"(?:^ *|`)sidestream ([a-z]+)\b([^`\n#]*)", text, re.MULTILINE):
        assert name in group.commands, f"sidestream {name}"
        options = {text for each in group.commands[name].params for text in each.opts}
        given = set(re.findall(r"(?<=\s)(--[a-z-]+)", rest)) - {"--help"}
        assert given <= options, f"sidestream {name}: {given - options}"


def test_nothing_waits_for_what_waits_for_it() -> None:
    """The stack wants the page's address and the page the stack's URLs: in this order."""
    places = [
        CHECKLIST.index(said)
        for said in (
            "export PAGE=",
            "export DIRECT_DATABASE_URL=",
            "sidestream migrate --url",
            "npm run migrate",
            "create-secret",
            "`make deploy STAGE=dev`",
            "**Confirm the mail**",
            "**Start the page**",
            "export CHAT_URL=",
            "export TOKEN=",
            'curl -N -H "Authorization: Bearer $TOKEN"',
        )
    ]
    assert places == sorted(places)


def test_every_required_parameter_is_named_before_it_is_asked_for(template: Document) -> None:
    once = CHECKLIST.split("\n## The first time\n")[0]
    for name, parameter in template["Parameters"].items():
        if "Default" not in parameter and not name.endswith("SecretArn"):
            assert f"`{name}`" in once, name
    assert "create-secret --name sidestream/database-url" in once
    assert "create-secret --name sidestream/openai-api-key" in once


@pytest.mark.parametrize("engine", ["docker", "finch", "/opt/podman"])
def test_one_command_builds_the_pages_image(engine: str) -> None:
    done = subprocess.run(
        ["make", "-n", "--no-print-directory", "page-image", f"ENGINE={engine}", "IMAGE=ours"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.replace("\\\n", " ").split()
    assert words[:4] == [engine, "build", "-f", "docs/page.Containerfile"]
    assert words[-3:] == ["-t", "ours", "."]
    # Podman reads no ignore file that is named after the container file.
    assert ("--ignorefile" in words) is engine.endswith("podman")


def test_without_an_engine_it_says_so() -> None:
    done = subprocess.run(
        ["make", "page-image", "ENGINE="], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "No container engine is there" in done.stderr
