"""The SAM CLI as a person calls it, guided questions answered included."""

import json
import os
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.account import BUCKET, REGION, ROOT, Account

SAM = ROOT / ".tools/sam/bin/sam"
LIMIT_S = 300
# What `sam deploy --guided` asks beside the parameters, by how the question begins.
CONFIRMED = {
    "Confirm changes before deploy": "n",
    "Allow SAM CLI IAM role creation": "y",
    "Disable rollback": "n",
    "Save arguments to configuration file": "y",
    "SAM configuration environment": "",
    "has no authentication. Is this okay?": "y",
}


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, with all that it printed."""

    code: int
    output: str


def environment(account: Account) -> dict[str, str]:
    """The variables that lead SAM to an account."""
    # SAM asks CloudFormation every five seconds how far it is; a stand-in needs no such patience.
    quick = {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.3", "PYTHONUNBUFFERED": "1"}
    return account.environment | quick


def _run(account: Account, *arguments: str | Path) -> Done:
    done = subprocess.run(
        [SAM, *arguments],
        cwd=ROOT,
        env=environment(account),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    return Done(done.returncode, done.stdout)


def package(account: Account, build: Path) -> Path:
    """Upload what a build made; give the template that names it. Raises `RuntimeError`."""
    packaged = account.folder / "packaged.yaml"
    done = _run(
        account,
        *("package", "--template-file", build / "template.yaml", "--s3-bucket", BUCKET),
        *("--output-template-file", packaged),
    )
    if done.code != 0:
        raise RuntimeError(done.output)
    account.keep_uploads()
    return packaged


def deploy(
    account: Account,
    stack: str,
    template: Path,
    parameters: Mapping[str, str],
    config_env: str = "default",
) -> Done:
    """Deploy with an environment of samconfig.toml, which a person confirms by hand."""
    return _run(
        account,
        *("deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", config_env),
        *("--stack-name", stack, "--region", REGION),
        *("--template-file", template, "--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
    )


def deploy_saved(account: Account, template: Path, config: Path, *options: str) -> Done:
    """Deploy with what a guided one saved, and nothing else."""
    return _run(
        account,
        *("deploy", "--config-file", config, "--template-file", template),
        *("--no-fail-on-empty-changeset", *options),
    )


def delete(account: Account, stack: str) -> Done:
    """Delete a stack as the checklist says."""
    done = _run(account, "delete", "--no-prompts", "--stack-name", stack, "--region", REGION)
    account.restore_uploads()
    return done


def deploy_guided(
    account: Account, stack: str, template: Path, parameters: Mapping[str, str], config: Path
) -> tuple[Done, list[str]]:
    """Answer `sam deploy --guided`, with the default where `parameters` has nothing.

    Gives how it ended, and the names of the parameters that it asked for.
    """
    answers = {"Stack Name": stack, "AWS Region": REGION, "SAM configuration file": str(config)}
    # The folder is where it looks for samconfig.toml, and saves one.
    command: list[str | Path] = [SAM, "deploy", "--guided", "--template-file", template]
    return answer(command, account.folder, environment(account), answers, parameters)


def answer(
    command: Sequence[str | Path],
    folder: Path,
    variables: Mapping[str, str],
    answers: Mapping[str, str],
    parameters: Mapping[str, str],
) -> tuple[Done, list[str]]:
    """Run a command that guides, and answer what it asks: `answers` by a part of the question,
    beside those that every such command asks, and `parameters` by name.

    Gives how it ended, and the names of the parameters that it asked for.
    """
    answers = {**CONFIRMED, **answers}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    output, asked = "", []
    deadline = time.monotonic() + LIMIT_S
    try:
        while chunk := os.read(process.stdout.fileno(), 65_536):
            output += chunk.decode(errors="replace")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} takes too long:\n{output}")
            question = output.rpartition("\n")[2]
            ends = question.endswith((": ", "] "))
            if not ends or select.select([process.stdout], [], [], 0.05)[0]:
                continue
            parameter = re.search(r"Parameter (\w+)", question)
            if parameter:
                asked.append(parameter[1])
                reply = parameters.get(parameter[1], "")
            else:
                known = [name for name in answers if name in question]
                if not known:
                    raise RuntimeError(f"{command[0]} asks what nobody expected: {question}")
                reply = answers[known[0]]
            output += "\n"
            process.stdin.write(f"{reply}\n".encode())
            process.stdin.flush()
        return Done(process.wait(LIMIT_S), output), asked
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def as_json(template: Mapping[str, object], path: Path) -> Path:
    """Write a template for `deploy`."""
    path.write_text(json.dumps(template))
    return path
