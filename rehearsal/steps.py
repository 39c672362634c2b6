"""What is rehearsed, in the order of a deployment's life, and what must hold after each step."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import ClientError

from rehearsal import checks, sam
from rehearsal.account import ROOT, Account
from rehearsal.checks import FUNCTIONS
from rehearsal.stack import Stack, live_version, reasons, versions

PAGE = "https://app.example.com"
BROUGHT = {
    "AuthIssuer": PAGE,
    "AuthAudience": "sidestream",
    "AuthJwksUrl": f"{PAGE}/api/auth/jwks",
    "AllowedOrigins": PAGE,
}
ACL = "arn:aws:wafv2:us-east-1:000000000000:{0}/webacl/front/1a2b3c4d-0000-4000-8000-000000000000"
FRONT = {
    "RestFront": "true",
    "Canary": "true",
    "AccessLog": "true",
    "WebAclArn": ACL.format("regional"),
    "SecretsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/rehearsal",
}
CLOUDFRONT = {
    "CloudFront": "true",
    "Canary": "true",
    "AccessLog": "true",
    "WebAclArn": ACL.format("global"),
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1a2b3c4d-0000-4000-8000-0",
}
PROD = {
    "Stage": "prod",
    "DeploymentType": "Canary10Percent10Minutes",
    "AlarmEmail": "someone@example.com",
    "LogDays": "90",
    "ChatConcurrency": "20",
    "TasksConcurrency": "20",
}
DEFAULTS = "rehearsal-defaults"
# More than an account has by default: what Lambda refuses only when it is asked.
TOO_MUCH = {"ChatConcurrency": "5000"}
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A step of the table: how long it took, and what was wrong. Nothing wrong is green."""

    name: str
    seconds: float
    wrong: list[str]


@dataclass
class Rehearsal:
    """Steps on one account, from one packaged build. `rows` fills as they are taken."""

    account: Account
    packaged: Path
    say: Callable[[Row], None] = lambda _row: None
    rows: list[Row] = field(default_factory=list)

    def take(self, name: str, step: Callable[[], Iterator[str]]) -> None:
        """Take a step; what it yields is wrong."""
        started = time.monotonic()
        wrong: list[str] = []
        try:
            wrong += step()
        except (ClientError, RuntimeError, OSError, LookupError, ValueError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
        row = Row(name, time.monotonic() - started, wrong)
        self.rows.append(row)
        self.say(row)

    def first(self) -> None:
        """The first deployment, as the README has it: guided, nothing but what one must bring."""
        self.take("guided, all defaults", self._guided)

    def all_sets(self) -> None:
        """The other seven sets of parameters."""
        plain = {"SnapStart": "off", "ChatConcurrency": "none", "TasksConcurrency": "none"}
        x86 = {"Architecture": "x86_64", "ChatConcurrency": "20", "TasksConcurrency": "0"}
        self.deploy("rehearsal-x86", "x86_64", x86)
        self.deploy("rehearsal-plain", "no SnapStart, no reservation", plain)
        self.deploy("rehearsal-prod", "gradual prod, with mail", PROD, "prod")
        again = PROD | {"Release": "2"}
        self.deploy("rehearsal-prod", "its next release has alarms of its own", again, "prod")
        self.front()
        self.deploy("rehearsal-cloudfront", "CloudFront, with a domain of one's own", CLOUDFRONT)
        self.deploy("rehearsal-cloudfront2", "CloudFront alone", {"CloudFront": "true"})
        self.deploy("rehearsal-second", "a second stack of the same stage", FRONT)

    def front(self) -> None:
        """The set with the most in it."""
        self.deploy("rehearsal-front", "REST front, with canary, web ACL and log", FRONT)

    def deploy(
        self, stack: str, name: str, chosen: Mapping[str, str], config_env: str = "default"
    ) -> None:
        """Deploy a set of parameters into a stack."""

        def step() -> Iterator[str]:
            parameters = BROUGHT | self.account.secrets | dict(chosen)
            done = sam.deploy(self.account, stack, self.packaged, parameters, config_env)
            yield from self._ended(done)
            yield from checks.findings(self.account, stack)

        self.take(name, step)

    def life(self) -> None:
        """What comes after the first deployment."""
        self.take("the same again changes nothing", self._unchanged)
        self.take("a new release: the alias moves, the old version stays", self._release)
        self.take("an update that fails rolls back", self._failing_update)
        self.take("the update after it works", self._release)

    def old_versions(self) -> None:
        """What the releases of `life` leave, and its removal, which a second time finds nothing."""
        self.take("versions that nobody goes back to are deleted", self._old_versions)

    def failing_create(self) -> None:
        """A first deployment that fails, and the next try."""
        self.take("a create that fails leaves nothing in the way", self._failing_create)

    def delete(self, stack: str) -> None:
        """Delete a stack; the checklist's list stays, and nothing else."""
        self.take(f"delete {stack.removeprefix('rehearsal-')}", lambda: self._delete(stack))

    @property
    def _saved(self) -> Path:
        return self.account.folder / "saved.toml"

    def _ended(self, done: sam.Done) -> Iterator[str]:
        if done.code != 0:
            yield f"sam ended with {done.code}: {_last_lines(done.output)}"

    def _guided(self) -> Iterator[str]:
        given = BROUGHT | self.account.secrets
        done, asked = sam.deploy_guided(self.account, DEFAULTS, self.packaged, given, self._saved)
        yield from self._ended(done)
        yield from checks.findings(self.account, DEFAULTS)
        there = set(Stack.of(self.account, DEFAULTS).parameters)
        if set(asked) != there:
            yield f"guided did not ask for {sorted(there - set(asked))}"

    def _versions(self) -> dict[str, str]:
        stack = Stack.of(self.account, DEFAULTS)
        return {name: live_version(self.account, stack.id_of(name)) for name in FUNCTIONS}

    def _update(self, *options: str) -> sam.Done:
        return sam.deploy_saved(self.account, self.packaged, self._saved, *options)

    def _with(self, changed: Mapping[str, str]) -> list[str]:
        # What is not named stays as the stack has it.
        return ["--parameter-overrides", *(f"{name}={value}" for name, value in changed.items())]

    def _unchanged(self) -> Iterator[str]:
        before = self._versions()
        done = self._update()
        yield from self._ended(done)
        if "No changes to deploy" not in done.output:
            yield f"something changed: {_last_lines(done.output)}"
        if self._versions() != before:
            yield "the alias moved"

    def _release(self) -> Iterator[str]:
        before = self._versions()
        release = int(Stack.of(self.account, DEFAULTS).parameters["Release"]) + 1
        yield from self._ended(self._update(*self._with({"Release": str(release)})))
        yield from checks.findings(self.account, DEFAULTS)
        stack = Stack.of(self.account, DEFAULTS)
        for name, version in self._versions().items():
            if version == before[name]:
                yield f"{name}: the alias stays at version {version}"
            if before[name] not in versions(self.account, stack.id_of(name)):
                yield f"{name}: version {before[name]} is gone, so nobody can go back to it"

    def _failing_update(self) -> Iterator[str]:
        before = self._versions()
        done = self._update(*self._with(TOO_MUCH | {"Release": "failing"}))
        if done.code == 0:
            yield "it did not fail"
        told = reasons(self.account, DEFAULTS)
        if not any("UnreservedConcurrentExecution" in reason for reason in told):
            yield f"the reason is not told: {_last_lines(done.output)}"
        status = Stack.of(self.account, DEFAULTS).status
        if status != "UPDATE_ROLLBACK_COMPLETE":
            yield f"the stack is {status}"
        if self._versions() != before:
            yield "the alias is not where it was"

    def _old_versions(self) -> Iterator[str]:
        stack = Stack.of(self.account, DEFAULTS)
        for name in FUNCTIONS:
            if len(versions(self.account, stack.id_of(name))) <= _KEPT:
                yield f"{name}: there is nothing to delete"
        script = ROOT / "scripts/remove_versions.py"
        command: list[str | Path] = [
            sys.executable,
            script,
            "--stack-name",
            DEFAULTS,
            "--keep",
            str(_KEPT),
        ]
        for _ in range(2):
            done = subprocess.run(
                command,
                env=self.account.environment,
                capture_output=True,
                text=True,
            )
            yield from (f"it ended: {line}" for line in done.stderr.splitlines())
            for name, live in self._versions().items():
                left = sorted(int(each) for each in versions(self.account, stack.id_of(name)))
                if len(left) != _KEPT or left[-1] != int(live):
                    yield f"{name}: versions {left} are there, and {live} serves"
        if done.stdout:
            yield f"the second time it deletes more: {done.stdout}"
        yield from checks.findings(self.account, DEFAULTS)

    def _failing_create(self) -> Iterator[str]:
        stack = "rehearsal-failing"
        given = BROUGHT | self.account.secrets | TOO_MUCH
        done = sam.deploy(self.account, stack, self.packaged, given)
        if done.code == 0:
            yield "it did not fail"
        status = Stack.of(self.account, stack).status
        if status != "ROLLBACK_COMPLETE":
            yield f"the stack is {status}"
        # It may hold the only word on why a function did not start.
        kept = _log_groups(self.account, stack)
        for name in FUNCTIONS.values():
            if not any(f"/{name}-" in group for group in kept):
                yield f"of the log groups are left: {kept}, and none of {name}"
        yield from self._ended(sam.delete(self.account, stack))
        yield from self._ended(
            sam.deploy(self.account, stack, self.packaged, BROUGHT | self.account.secrets)
        )
        yield from checks.findings(self.account, stack)

    def _delete(self, name: str) -> Iterator[str]:
        stack = Stack.of(self.account, name)
        yield from self._ended(sam.delete(self.account, name))
        with suppress(ClientError):
            yield f"the stack is {Stack.of(self.account, name).status}"
        yield from _left(stack)


def _left(stack: Stack) -> Iterator[str]:
    # What must be gone and is not, and the other way round.
    client = stack.account.client
    functions = {each["FunctionName"] for each in _all(client("lambda"), "list_functions")}
    yield from (f"{name} is left" for name in functions & set(stack.ids("AWS::Lambda::Function")))
    roles = {each["RoleName"] for each in _all(client("iam"), "list_roles")}
    yield from (f"{name} is left" for name in roles & set(stack.ids("AWS::IAM::Role")))
    alarms = {each["AlarmName"] for each in client("cloudwatch").describe_alarms()["MetricAlarms"]}
    yield from (f"{name} is left" for name in alarms & set(stack.ids("AWS::CloudWatch::Alarm")))
    secrets = {each["ARN"] for each in _all(client("secretsmanager"), "list_secrets")}
    made = set(stack.ids("AWS::SecretsManager::Secret"))
    yield from (f"{arn} is left" for arn in secrets & made)
    if not set(stack.account.secrets.values()) <= secrets:
        yield "a secret that you made is gone"

    groups = {each["logGroupName"] for each in _all(client("logs"), "describe_log_groups")}
    yield from (f"{name} is gone" for name in set(stack.ids("AWS::Logs::LogGroup")) - groups)
    buckets = {each["Name"] for each in client("s3").list_buckets()["Buckets"]}
    yield from (f"{name} is gone" for name in set(stack.ids("AWS::S3::Bucket")) - buckets)
    for arn in stack.ids("AWS::Lambda::LayerVersion"):
        try:
            client("lambda").get_layer_version_by_arn(Arn=arn)
        except ClientError:
            yield f"{arn} is gone"


def _log_groups(account: Account, stack: str) -> list[str]:
    prefix = f"/aws/lambda/{stack}/"
    found = account.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return [each["logGroupName"] for each in found]


def _all(client: object, operation: str) -> Iterator[dict[str, str]]:
    for page in client.get_paginator(operation).paginate():  # type: ignore[attr-defined]
        for value in page.values():
            if isinstance(value, list):
                yield from value


def _last_lines(output: str, lines: int = 4) -> str:
    told = [line.strip() for line in output.splitlines() if line.strip(" -")]
    return " / ".join(told[-lines:])
