"""The commands that the documents name are there, after the line that they give for it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.deployment.conftest import ROOT

DOCUMENTS = ("README.md", "DEPLOYMENT_CHECKLIST.md")
LINE = 'export PATH="$PWD/.venv/bin:$PWD/.tools/sam/bin:$PWD/.tools/uv/bin:$PATH"'
OURS = {"sam", "sidestream"}
BROUGHT = {"aws"}  # the documents say so


def commands(text: str) -> set[str]:
    """The first word of each command in a document's blocks, indented or fenced."""
    found = set()
    for line in re.findall(
        r"^(?:      |)((?:sam|sidestream|aws|make|curl) .+)$", text, re.MULTILINE
    ):
        found |= {part.split()[0] for part in line.split(" && ")}
    found |= {name for name in OURS if re.search(rf"`{name} ", text)}
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_is_found_after_the_documented_line(
    document: str, deploy_tools: Path
) -> None:
    text = (ROOT / document).read_text()
    assert LINE in text
    named = commands(text)
    assert named >= OURS
    for name in named - BROUGHT:
        done = subprocess.run(
            ["bash", "-c", f"{LINE}; command -v {name}"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{document} names {name}, which is not found"
        if name in OURS:
            assert done.stdout.startswith(str(ROOT))
    assert (deploy_tools / "sam/bin/sam").exists()
