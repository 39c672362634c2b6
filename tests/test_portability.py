"""What this machine would not notice: a Mac has bash 3.2, make 3.81, BSD's tools, and a disk that
does not tell upper case from lower."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHELL = (
    *(path for path in sorted((ROOT / "scripts").iterdir()) if path.name != "complete-page-lock"),
    ROOT / ".ci/run",
    ROOT / "src/sidestream/streaming/stream-runtime",
    *(ROOT / name for name in ("Makefile", "src/Makefile", "layers/Makefile")),
    *sorted((ROOT / ".github/workflows").iterdir()),
)

BASH_4 = {
    r"\b(mapfile|readarray|coproc)\b": "mapfile -t lines <file",
    r"\b(declare|local|typeset)\s+-\w*[Agnlu]": "declare -A seen",
    r"\$\{!?\w+(\[[^]]*\])?(\^|,|@[A-Za-z])": "${name,,}",
    r"\$\{\w+\[-\d": "${names[-1]}",
    r"\$\{\w+(\[@\])?:\s*-?\w+:\s*-": "${name:0:-1}",
    r"&>>|\|&|;;?&(?!&)": "make |& tee log",
    r"\[\[?\s+(!\s+)?-[vR]\s": "[[ -v CI ]]",
    r"\bwait\s+-\w*[nfp]": "wait -n",
    r"\bshopt\s+.*\b(globstar|lastpipe|inherit_errexit)": "shopt -s globstar",
    r"\b(BASHPID|EPOCHSECONDS|EPOCHREALTIME|SRANDOM|BASH_ARGV0)\b": "echo $EPOCHSECONDS",
    r"\bread\s+(-\w+\s+)*-\w*([iN]|t\s*\d*\.\d)": "read -t 0.5 line",
    r"\bexec\s+\{\w+\}": "exec {lock}>file",
    r"%\([^)]*\)T": "printf '%(%F)T'",
    r"\{\d+\.\.\d+\.\.": "echo {1..9..2}",
    r"\\u[0-9a-fA-F]{4}": r"$'\u00e9'",
}
MAKE_3_82 = {
    r"\.SHELLFLAGS": ".SHELLFLAGS := -euo pipefail -c",
    r"\.ONESHELL": ".ONESHELL:",
    r"^\s*\w+\s*!=": "NOW != date",
    r"&:": "a b &: c",
    r"\$\((file|guile|let|intcmp) ": "$(file >out,text)",
    r"^\s*(undefine|private|load)\s": "undefine NAME",
}
GNU_TOOLS = {
    r"\bsed\s+(-\w*[ri]|--)": "sed -i s/a/b/ file",
    r"\breadlink\s+-\w*[fem]": "readlink -f .",
    r"\b(realpath|timeout|tac|nproc|setsid|md5sum|sha\d+sum|shuf|numfmt|gawk)\s": "timeout 5 make",
    r"\bdate\s+.*(-d\b|-I|--|%N)": "date -d yesterday",
    r"\bstat\s+(-c|--)": "stat -c %s file",
    r"\bgrep\s+(-\w+\s+)*-\w*P": "grep -oP x file",
    r"\bxargs\s+.*(-\w*[rd]\b|--)": "xargs -r rm",
    r"\b(head|tail)\s+(-n\s*-|-c\s*-)": "head -n -1 file",
    r"\bfind\s+.*-(printf|regextype|readable|executable)": "find . -printf x",
    r"\bsort\s+.*-\w*V": "sort -V",
    r"\bbase64\s+.*-\w*w": "base64 -w0",
    r"\b(cp|mv|rm|ln|mkdir|ls|cat|touch|chmod)\s+.*--\w": "cp --reflink a b",
    r"\b(cp|ln)\s+-\w*[tTaur]": "ln -sfT a b",
    r"\bmktemp\s+.*(-p|--)": "mktemp --suffix=.txt",
    r"\btar\s+[cx]\s": "tar c folder",
    r"/proc/|/dev/shm": "cat /proc/1/status",
}
LACKING = BASH_4 | MAKE_3_82 | GNU_TOOLS


def faults(text: str) -> list[str]:
    """The lines that a Mac would not understand. A comment may name what it likes."""
    return [
        line
        for line in text.splitlines()
        if not line.strip().lstrip("@").startswith("#")
        and any(re.search(pattern, line) for pattern in LACKING)
    ]


@pytest.mark.parametrize("path", SHELL, ids=lambda path: str(path.relative_to(ROOT)))
def test_shell_and_make_are_those_of_a_mac(path: Path) -> None:
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(("pattern", "example"), LACKING.items(), ids=list(LACKING.values()))
def test_what_a_mac_lacks_is_seen(pattern: str, example: str) -> None:
    assert re.search(pattern, example)
    assert faults(f"  {example}\n  # {example}\n") == [f"  {example}"]


def test_an_array_that_may_be_empty_is_never_spread_unseen() -> None:
    """Before 4.4 bash's `set -u` calls an empty array unbound, so its size is asked first."""
    for path in SHELL:
        text = path.read_text()
        for name in set(re.findall(r'"\$\{(\w+)\[@\]\}"', text)):
            asked = f"${{#{name}[@]}}" in text or re.search(rf"\b{name}=\([^)\s]", text)
            assert asked, f"{path}: {name}"


def test_no_two_files_differ_by_case_alone() -> None:
    folded = Counter(str(path).casefold() for path in _files())
    assert [path for path, count in folded.items() if count > 1] == []


def _files() -> Iterator[Path]:
    made = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in made]
        yield from (Path(folder, name) for name in (*folders, *names))
