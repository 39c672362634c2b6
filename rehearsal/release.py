"""`make deploy` from end to end, twice: a first one, which guides, and the release after it.

The stand-in for AWS runs no function, so the URLs of the stack lead through a door to a local
system. What is checked is that the commands go together: each is run as it is printed.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rehearsal import sam
from rehearsal.account import REGION, ROOT, Account
from rehearsal.door import Door
from rehearsal.stack import Stack
from rehearsal.steps import BROUGHT
from sidestream.local.settings import LocalOptions
from sidestream.local.system import LocalSystem

STACK = "rehearsal-release"
PERSON = "rehearsal"
ANSWERS = {
    "Run it? [y/N": "y",
    "Stack Name": STACK,
    "AWS Region": REGION,
    "SAM configuration file": "",
}
SAID = (
    "# Build the functions",
    "# Bring the database's schema",
    "The database is up to date.",
    "# Delete the versions",
    "# Deploy ",
    '{"status":"ok"}',
    "# Try each part of it",
    "Nothing is wrong.",
    "# Time ten first tokens",
    "Time to first token",
    f"{STACK} is there:",
    "Next:",
)
"""What a release prints, in this order, whatever else it prints."""


def findings(account: Account, packaged: Path) -> Iterator[str]:
    """Deploy from a checkout of its own; give what was wrong."""
    with tempfile.TemporaryDirectory(prefix="sidestream-release-") as folder:
        yield from asyncio.run(_release(account, _checkout(Path(folder) / "checkout", packaged)))


def _checkout(folder: Path, packaged: Path) -> Path:
    """A repository with this commit's deployment and its build, which is not built again."""
    (folder / "scripts").mkdir(parents=True)
    (folder / ".aws-sam/build").mkdir(parents=True)
    for name in ("scripts/deploy.py", "scripts/remove_versions.py", "samconfig.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    for name in (".venv", ".tools"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".aws-sam/build/template.yaml").write_bytes(packaged.read_bytes())
    build = folder / "scripts/build"
    build.write_text("#!/bin/sh\necho It was built before.\n")
    build.chmod(0o755)
    (folder / ".gitignore").write_text(".*\n")
    return folder


def _commit(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=r", "-c", "user.email=r@example.com"]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--allow-empty", "--quiet", "-m", "x"], check=True)


async def _release(account: Account, checkout: Path) -> list[str]:
    options = LocalOptions(
        folder=checkout.parent / "local",
        chat_port=0,
        tools_port=0,
        web_port=0,
        model_delay_ms=5,
        durable=False,
        tidy_every_s=None,
    )
    os.chmod(checkout.parent, 0o755)  # noqa: S103 - Postgres may run as another user

    def port_of(host: str) -> int | None:
        outputs = Stack.of(account, STACK).outputs
        behind = {"ChatUrl": system.chat, "TasksUrl": system.tools}
        found = [behind[name] for name in behind if urlsplit(outputs[name]).hostname == host]
        return urlsplit(found[0].url).port if found else None

    async with (
        LocalSystem(options) as system,
        Door(checkout.parent, f"lambda-url.{REGION}.on.aws", port_of) as door,
    ):
        own = {
            "DIRECT_DATABASE_URL": system.postgres.owner_url,
            "SIDESTREAM_TOKEN": system.token(PERSON),
        }
        environment = sam.environment(account) | door.environment | own
        given = BROUGHT | account.secrets
        found: list[str] = []
        for name, chosen in (("first", []), ("next", ["--yes"])):
            _commit(checkout)
            command: list[str | Path] = [
                sys.executable,
                checkout / "scripts/deploy.py",
                "dev",
                *chosen,
            ]
            done, _asked = await asyncio.to_thread(
                sam.answer, command, checkout, environment, ANSWERS, given
            )
            found += (f"{name}: {finding}" for finding in _judged(done, account, own))
        return found


def _judged(done: sam.Done, account: Account, secrets: Mapping[str, str]) -> Iterator[str]:
    if done.code != 0:
        yield f"it ended with {done.code}: {done.output[-1500:]}"
        return
    rest = done.output
    outputs = Stack.of(account, STACK).outputs
    shown = (outputs[name] for name in ("ChatUrl", "TasksUrl", "DashboardUrl"))
    for said in (*SAID[:-1], *shown, SAID[-1]):
        _, found, rest = rest.partition(said)
        if not found:
            yield f"it does not say: {said}"
            return
    yield from (f"it shows {name}" for name, value in secrets.items() if value in done.output)
