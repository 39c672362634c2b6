"""The short rehearsal is green, and what is broken on purpose turns it red."""

import copy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from rehearsal import checks, release, sam
from rehearsal.__main__ import rehearse
from rehearsal.account import BUCKET, Account
from rehearsal.stack import Stack
from rehearsal.steps import BROUGHT, PROD
from tests.deployment.built import Built
from tests.deployment.conftest import Document

pytestmark = pytest.mark.slow

STEPS = [
    "guided, all defaults",
    "REST front, with canary, web ACL and log",
    "the same again changes nothing",
    "a new release: the alias moves, the old version stays",
    "an update that fails rolls back",
    "the update after it works",
    "delete defaults",
]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An account to which a build was uploaded, and the template that names it."""

    account: Account
    path: Path
    template: Document


@pytest.fixture(scope="module")
def uploaded(built: Built) -> Iterator[Uploaded]:
    with Account() as account:
        path = sam.package(account, built.folder)
        yield Uploaded(account, path, json.loads(json.dumps(cfn_yaml.load(str(path)), default=str)))


def test_every_step_of_the_short_rehearsal_is_right(
    uploaded: Uploaded, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rehearse(uploaded.account, uploaded.path, short=True).rows
    assert [row.name for row in rows] == STEPS
    assert [sentence for row in rows for sentence in row.wrong] == []
    assert capsys.readouterr().out.count("  ok\n") == len(STEPS)
    assert "AWS::CodeDeploy::DeploymentGroup" in uploaded.account.no_ops


def test_make_deploy_goes_from_the_first_question_to_a_release_that_answers(
    uploaded: Uploaded,
) -> None:
    assert list(release.findings(uploaded.account, uploaded.path)) == []


def create(
    account: Account, stack: str, template: Document, chosen: dict[str, str] | None = None
) -> list[str]:
    """Deploy straight through CloudFormation, which is quicker; give what was wrong."""
    key = f"{stack}.json"
    account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(template).encode())
    formation = account.client("cloudformation")
    given = BROUGHT | account.secrets | (chosen or {})
    try:
        formation.create_stack(
            StackName=stack,
            TemplateURL=f"{account.endpoint}/{BUCKET}/{key}",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        while Stack.of(account, stack).status.endswith("IN_PROGRESS"):
            pass
        return checks.findings(account, stack)
    except ClientError as error:
        return [str(error)]


def properties(template: Document, logical_id: str) -> Any:
    return template["Resources"][logical_id]["Properties"]


def unreadable_secret(template: Document) -> None:
    statements = properties(template, "ChatRole")["Policies"][0]["PolicyDocument"]["Statement"]
    [secrets] = [each for each in statements if each.get("Sid") == "Secrets"]
    secrets["Resource"].remove({"Ref": "ToolSigningKey"})


def open_url(template: Document) -> None:
    properties(template, "ChatFunction")["FunctionUrlConfig"]["AuthType"] = "NONE"


def open_to_all(template: Document) -> None:
    del template["Resources"]["AnyoneMayCallChatThroughUrl"]["Condition"]


def any_distribution(template: Document) -> None:
    permission = properties(template, "CloudFrontMayCallTasksUrl")
    permission["SourceArn"] = {"Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/*"}


def unsigned(template: Document) -> None:
    properties(template, "OriginAccess")["OriginAccessControlConfig"]["SigningBehavior"] = "never"


def closed_url(template: Document) -> None:
    del template["Resources"]["AnyoneMayCallTasksThroughUrl"]


def no_alias(template: Document) -> None:
    del template["Globals"]["Function"]["AutoPublishAlias"]


def second_stage(template: Document) -> None:
    del properties(template, "RestFrontApi")["OpenApiVersion"]


def unthrottled(template: Document) -> None:
    del properties(template, "RestFrontApi")["MethodSettings"]


def other_layer(template: Document) -> None:
    [layer] = properties(template, "TasksFunction")["Layers"]
    layer["Fn::If"][1:] = reversed(layer["Fn::If"][1:])


def other_libraries(template: Document) -> None:
    other = properties(template, "ChatDependenciesX86")["ContentUri"]
    properties(template, "ChatDependenciesArm64")["ContentUri"] = other


def older_version(template: Document) -> None:
    for metric in properties(template, "ChatVersionTtftAlarm")["Metrics"][1:]:
        metric["MetricStat"]["Metric"]["Dimensions"][1]["Value"] = "1"


def unjudged(template: Document) -> None:
    for name in ("TasksVersionErrorsAlarm", "TasksVersionSilentAlarm"):
        del template["Resources"][name]
    del properties(template, "TasksFunction")["DeploymentPreference"]["Alarms"]


def no_key(template: Document) -> None:
    [policy] = properties(template, "TidyRole")["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    statements[:] = [each for each in statements if "Fn::If" not in each]


FRONT = {"RestFront": "true"}
CLOUDFRONT = {"CloudFront": "true"}
KEY = {"SecretsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/rehearsal"}


@pytest.mark.parametrize(
    ("broken", "chosen", "finding"),
    [
        (unreadable_secret, {}, "its role may not secretsmanager:GetSecretValue"),
        (no_key, KEY, "TidyFunction: its role may not kms:Decrypt"),
        (closed_url, {}, "TasksFunction: everybody may"),
        (open_url, FRONT, "its URL is NONE RESPONSE_STREAM, not AWS_IAM"),
        (open_to_all, FRONT, "ChatFunction: everybody may"),
        (open_to_all, CLOUDFRONT, "ChatFunction: everybody may"),
        (any_distribution, CLOUDFRONT, "TasksFunction: it may be called by"),
        (unsigned, CLOUDFRONT, "CloudFront signs for chat: ('lambda', 'never')"),
        (no_alias, {}, "Alias"),
        (second_stage, FRONT, "nothing throttles the stage Stage"),
        (unthrottled, FRONT, "nothing throttles the stage live"),
        (other_layer, {}, "Dependencies"),
        (unjudged, PROD, "TasksFunction: 0 alarms judge its releases"),
        (other_libraries, {}, "its layer has libraries for ['x86_64'], and it runs on arm64"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_broken_turns_it_red(
    uploaded: Uploaded,
    broken: Callable[[Document], None],
    chosen: dict[str, str],
    finding: str,
) -> None:
    template = copy.deepcopy(uploaded.template)
    broken(template)
    stack = "-".join([broken.__name__.replace("_", "-"), *chosen])
    wrong = create(uploaded.account, stack, template, chosen)
    assert any(finding in sentence for sentence in wrong), wrong


@pytest.mark.parametrize("chosen", [FRONT | KEY, CLOUDFRONT], ids=lambda chosen: next(iter(chosen)))
def test_nothing_of_it_is_red_when_nothing_is_broken(
    uploaded: Uploaded, chosen: dict[str, str]
) -> None:
    assert create(uploaded.account, f"whole-{next(iter(chosen))}", uploaded.template, chosen) == []


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        (FRONT | CLOUDFRONT, "One front"),
        ({"AccessLog": "true"}, "belong to a front"),
        (FRONT | {"DomainName": "api.example.com"}, "DomainName needs CertificateArn"),
        (CLOUDFRONT | {"DomainName": "api.example.com"}, "DomainName needs CertificateArn"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    uploaded: Uploaded, chosen: dict[str, str], named: str
) -> None:
    [refused] = create(uploaded.account, "unfit", uploaded.template, chosen)
    assert named in refused


@pytest.mark.parametrize("broken", [None, older_version])
def test_each_gradual_release_has_alarms_of_its_own(
    uploaded: Uploaded, broken: Callable[[Document], None] | None
) -> None:
    template = copy.deepcopy(uploaded.template)
    if broken:
        broken(template)
    stack = "older" if broken else "graded"
    assert create(uploaded.account, stack, template, PROD) == []
    formation = uploaded.account.client("cloudformation")
    given = BROUGHT | uploaded.account.secrets | PROD | {"Release": "2"}
    formation.update_stack(
        StackName=stack,
        TemplateURL=f"{uploaded.account.endpoint}/{BUCKET}/{stack}.json",
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    while Stack.of(uploaded.account, stack).status.endswith("IN_PROGRESS"):
        pass
    found = [f"{stack}-chat-2-ttft judges ['1'], and 2 is served"] if broken else []
    assert checks.findings(uploaded.account, stack) == found


@pytest.fixture(scope="module")
def new_account(uploaded: Uploaded) -> Iterator[Account]:
    """An account as one has it on its first day, with empty files for what is uploaded."""
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("nothing", "")
    with Account(concurrency=10) as account:
        for resource in uploaded.template["Resources"].values():
            for location in {"CodeUri", "ContentUri"} & set(resource["Properties"]):
                key = resource["Properties"][location].removeprefix(f"s3://{BUCKET}/")
                account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=empty.getvalue())
        yield account


def test_the_defaults_deploy_in_a_new_account(uploaded: Uploaded, new_account: Account) -> None:
    wrong = create(new_account, "first", uploaded.template)
    assert len(wrong) == 3
    assert all("its layer has libraries for []" in sentence for sentence in wrong)


def test_what_a_new_account_cannot_reserve_is_told(
    uploaded: Uploaded, new_account: Account
) -> None:
    wrong = create(new_account, "second", uploaded.template, {"ChatConcurrency": "1"})
    assert "below its minimum value of [10]" in wrong[0]


@pytest.mark.parametrize("left_out", ["DeploymentType", "AlarmEmail", "TasksConcurrency"])
def test_production_is_refused_without_what_watches_it(
    uploaded: Uploaded, new_account: Account, left_out: str
) -> None:
    chosen = {name: value for name, value in PROD.items() if name != left_out}
    [refused] = create(new_account, "third", uploaded.template, chosen)
    assert left_out in refused
