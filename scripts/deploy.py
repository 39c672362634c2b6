"""Takes a stage from this commit to a release that answers, and asks before each step.

    make deploy STAGE=dev|staging|prod [ARGS="--dry-run | --yes"]

Each step is a command of the checklist, printed as it is run. Settings come from samconfig.toml and
secrets from the environment, so that no command shows one:

    DIRECT_DATABASE_URL    the owner's direct connection, to migrate; without it, that is left out
    SIDESTREAM_TOKEN       a token of the sign-in, to try what was deployed; without it likewise
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "samconfig.toml"
ENVIRONMENTS = {"dev": "default", "staging": "staging", "prod": "prod"}
# What one must bring and samconfig.toml has only once the first deployment was guided.
FIRST = "DatabaseUrlSecretArn"


@dataclass(frozen=True, slots=True)
class Step:
    """A command in the shell's words, and what it is for. `missing` says why it is left out. What
    comes after goes on without one that is not `needed`."""

    purpose: str
    command: str
    missing: str = ""
    needed: bool = True


class Refused(Exception):
    """A sentence that says why nothing more is done."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What samconfig.toml says of a stage."""

    name: str
    stack: str
    region: str | None
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any]) -> "Stage":
        """Read a stage's environment. Raises `Refused` for one that is not there."""
        section = config.get(ENVIRONMENTS[name])
        if section is None:
            raise Refused(f"{CONFIG.name} has no environment {ENVIRONMENTS[name]}.")
        common = section.get("global", {}).get("parameters", {})
        deploy = {**common, **section.get("deploy", {}).get("parameters", {})}
        given = deploy.get("parameter_overrides", [])
        words = shlex.split(given) if isinstance(given, str) else given
        parameters = dict(word.split("=", 1) for word in words)
        return cls(name, deploy["stack_name"], deploy.get("region"), parameters)

    @property
    def is_known(self) -> bool:
        """Whether it was deployed from here before."""
        return FIRST in self.parameters

    def steps(self, release: str, *, unasked: bool = False) -> list[Step]:
        """What is done up to the deployment itself; `unasked` leaves out SAM's own question."""
        # Overrides of the command line take the place of all those of the file.
        overrides = {**self.parameters, "Stage": self.name, "Release": release}
        named = " ".join(_override(name, value) for name, value in overrides.items())
        environment = ENVIRONMENTS[self.name]
        options = "" if self.is_known else " --guided"
        options += " --no-confirm-changeset" if unasked else ""
        region = f" --region {self.region}" if self.region else ""
        return [
            Step("Build the functions and their libraries", "scripts/build"),
            Step(
                "Bring the database's schema up to date, which the running release can live with",
                'sidestream migrate --url "$DIRECT_DATABASE_URL"',
                "" if os.environ.get("DIRECT_DATABASE_URL") else "DIRECT_DATABASE_URL is not set",
            ),
            Step(  # before the release: what serves now is what one goes back to
                "Delete the versions that nobody goes back to, of which SnapStart bills each",
                f"python scripts/remove_versions.py --stack-name {shlex.quote(self.stack)}{region}",
                "" if self.is_known else "nothing was deployed from here yet",
                needed=False,
            ),
            Step(
                f"Deploy {self.stack} and wait until it is there",
                f"sam deploy{options} --config-env {environment} --no-fail-on-empty-changeset"
                f" --parameter-overrides {named}",
            ),
        ]


def _override(name: str, value: str) -> str:
    # SAM reads quotes of its own within the shell's, and takes nothing empty without them.
    if re.fullmatch(r"[\w.,:/@+-]+", value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return shlex.quote(f'{name}="{escaped}"')


def checks(outputs: Mapping[str, str]) -> list[Step]:
    """What shows that a deployed release answers."""
    url = shlex.quote(outputs["ChatUrl"])
    missing = "" if os.environ.get("SIDESTREAM_TOKEN") else "SIDESTREAM_TOKEN is not set"
    return [
        Step("See whether it answers", f"curl --fail --silent --show-error {url}/healthz"),
        Step("Try each part of it", f"sidestream doctor --url {url}", missing),
        Step("Time ten first tokens", f"sidestream ttft --url {url}", missing),
    ]


def release() -> str:
    """The name of this commit, with a mark when the tree has more than it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    mark = "-changed" if git("status", "--porcelain") else ""
    return git("rev-parse", "--short=12", "HEAD") + mark


def confirmed(step: Step) -> bool:
    """Ask whether to take a step. Raises `Refused` on anything but yes and skip."""
    try:
        answer = input("Run it? [y/N, s to skip it] ").strip().lower()
    except EOFError:
        answer = ""
    if answer in ("y", "yes"):
        return True
    if answer in ("s", "skip"):
        return False
    raise Refused(f"Stopped before: {step.purpose}.")


def take(steps: list[Step], ask: Callable[[Step], bool], *, dry_run: bool) -> None:
    """Print each step, and run those that are wanted. Raises `Refused` when one fails."""
    paths = (".venv/bin", ".tools/sam/bin", ".tools/uv/bin")
    path = os.pathsep.join([*(str(ROOT / each) for each in paths), os.environ.get("PATH", "")])
    for step in steps:
        print(f"\n# {step.purpose}\n{step.command}", flush=True)
        if step.missing:
            print(f"# left out: {step.missing}")
        elif not dry_run and ask(step):
            done = subprocess.run(
                ["bash", "-c", step.command],
                cwd=ROOT,
                env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
            )
            if done.returncode != 0 and step.needed:
                raise Refused(f"It ended with {done.returncode}, so nothing more is done.")
            if done.returncode != 0:
                print(f"# It ended with {done.returncode}, and the rest goes on.", flush=True)


def outputs_of(stage: Stage) -> dict[str, str]:
    """The outputs of a deployed stack."""
    client = boto3.client("cloudformation", region_name=stage.region)
    [stack] = client.describe_stacks(StackName=stage.stack)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def what_next(stage: Stage, outputs: Mapping[str, str]) -> None:
    """Say where things are, and what is left for a person."""
    print(f"\n{stage.stack} is there:")
    for name in ("ChatUrl", "TasksUrl", "DashboardUrl"):
        print(f"  {name:<13} {outputs[name]}")
    print(
        "\nNext:\n"
        f"  - start the page with NEXT_PUBLIC_API_BASE_URL={outputs['ChatUrl']}\n"
        f"    NEXT_PUBLIC_TASKS_BASE_URL={outputs['TasksUrl']}\n"
        f"    NEXT_PUBLIC_FILES_URL={outputs['FilesUrl']}, and send a message\n"
        "  - if something was left out: get a token (DEPLOYMENT_CHECKLIST.md, The first time)\n"
        "  - confirm the mail that AlarmEmail got, if this is the first time\n"
        "  - watch the dashboard for half an hour\n"
        f"  - to go back: aws lambda update-alias --function-name {outputs['ChatFunctionName']}\n"
        "    --name live --function-version N (DEPLOYMENT_CHECKLIST.md, Going back)"
    )


def main() -> int:
    """Deploy. Gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=ENVIRONMENTS)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    ask = (lambda _step: True) if options.yes else confirmed
    try:
        stage = Stage.of(options.stage, tomllib.loads(CONFIG.read_text()))
        name = release()
        if options.yes and not stage.is_known:
            raise Refused("The first deployment of a stage has questions: run it without --yes.")
        if stage.name == "prod" and name.endswith("-changed") and not options.dry_run:
            raise Refused("The tree has changes. Commit them: a release of prod is a commit.")
        take(stage.steps(name, unasked=options.yes), ask, dry_run=options.dry_run)
        if options.dry_run:
            placeholder = {"ChatUrl": "<ChatUrl>"}
            take(checks(placeholder), ask, dry_run=True)
            return 0
        # A first deployment has asked for the stack's name and region, and saved them.
        stage = Stage.of(options.stage, tomllib.loads(CONFIG.read_text()))
        outputs = outputs_of(stage)
        take(checks(outputs), ask, dry_run=False)
        what_next(stage, outputs)
    except Refused as refused:
        print(f"\n{refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
