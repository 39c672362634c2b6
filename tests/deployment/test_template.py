"""What the template promises: nothing secret shown, nothing more granted than used, one CORS."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidestream.config import ChatSettings
from tests.deployment.built import LAYERS
from tests.deployment.conftest import TEMPLATE, Document, of_type

SECRETS = {"SessionSigningKey", "ToolSigningKey"}
RESOURCE_BLIND_ACTIONS = {
    "xray:PutTraceSegments",  # X-Ray knows no resources for these two
    "xray:PutTelemetryRecords",
    "cloudwatch:PutMetricData",  # limited by its namespace condition
}

# What CloudFormation does with the template first, run by the SAM CLI's own Python.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

path, given = sys.argv[1], json.loads(sys.argv[2])
template = yaml_parse(open(path).read())
for name, resource in template["Resources"].items():
    for location in {"CodeUri", "ContentUri"} & set(resource["Properties"]):
        resource["Properties"][location] = "s3://bucket/" + given["contents"].get(name, "same")
translated = transform(template, given["parameters"], NoManagedPolicies())
print(json.dumps(translated["Resources"]))
"""
# Parameters in a function's configuration whose new value needs a new Release: too long to tell.
UNTOLD = {
    *("DatabaseUrlSecretArn", "OpenAiApiKeySecretArn", "AuthIssuer", "AuthAudience"),
    *("AuthJwksUrl", "AuthIssuers", "AllowedOrigins", "Models", "OpenAiBaseUrl"),
    *("TranscriptionModel", "ChatKitWorkflowId", "McpServers", "McpServerSecretsSecretArn"),
}

type Translate = Callable[[dict[str, str], dict[str, str]], Document]


@pytest.fixture(scope="module")
def translate(deploy_tools: Path) -> Translate:
    """Give the resources that SAM makes, for these parameters and contents of functions, layers."""

    def run(parameters: dict[str, str], contents: dict[str, str]) -> Document:
        given = json.dumps({"parameters": parameters, "contents": contents})
        done = subprocess.run(
            [deploy_tools / "sam/bin/python", "-c", TRANSLATE, TEMPLATE, given],
            env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        resources: Document = json.loads(done.stdout)
        return resources

    return run


def environment(template: Document, function: str) -> Document:
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    own = template["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {})
    return {**shared, **own}


def statements_of(policy: Document) -> list[Document]:
    """What a policy says, with what an option adds."""
    found = policy["PolicyDocument"]["Statement"]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in found]


def statements(resources: Document) -> list[Document]:
    found: list[Document] = []
    for role in of_type(resources, "AWS::IAM::Role").values():
        for policy in role["Policies"]:
            found += statements_of(policy)
    for policy in of_type(resources, "AWS::IAM::RolePolicy").values():
        found += policy["PolicyDocument"]["Statement"]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_parameter_is_described_grouped_and_used(template: Document) -> None:
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    text = json.dumps({key: template[key] for key in template if key != "Metadata"})

    assert sorted(grouped) == sorted(template["Parameters"])
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert f'"Ref": "{name}"' in text or f"${{{name}}}" in text, f"{name} is not used"


def test_no_text_parameter_takes_anything(template: Document) -> None:
    free = {"Models", "TranscriptionModel"}  # the provider's own names
    for name, parameter in template["Parameters"].items():
        limits = {"AllowedPattern", "AllowedValues", "MinLength"} & set(parameter)
        assert parameter["Type"] == "Number" or limits or name in free, f"{name} takes anything"


def parameter_of(value: Document) -> str:
    """What a value refers to: always, or where it is given at all."""
    match value:
        case {"Ref": str(name)} | {"Fn::If": [_, {"Ref": str(name)}, {"Ref": "AWS::NoValue"}]}:
            return name
    raise AssertionError(f"{value} is no reference")


def test_no_secret_is_in_an_environment_variable(template: Document) -> None:
    for function in ("ChatFunction", "TasksFunction", "TidyFunction"):
        for name, value in environment(template, function).items():
            if re.search(r"KEY|SECRET|DATABASE_URL|PASSWORD|TOKEN(?!S)", name):
                assert name.endswith("_SECRET_ARN"), f"{name} would hold a secret"
                assert parameter_of(value)


def test_no_secret_is_in_an_output(template: Document) -> None:
    for name, output in template["Outputs"].items():
        text = json.dumps(output["Value"])
        assert "resolve:" not in text
        assert not any(secret in text for secret in SECRETS), name
        assert "SecretArn" not in text, name
        assert output["Description"]


def test_generated_secrets_are_long_and_never_given(resources: Document) -> None:
    secrets = of_type(resources, "AWS::SecretsManager::Secret")
    assert set(secrets) == SECRETS
    for secret in secrets.values():
        assert secret["GenerateSecretString"]["PasswordLength"] >= 64
        assert "SecretString" not in secret


def test_a_role_reads_exactly_the_secrets_of_its_functions_environment(template: Document) -> None:
    roles = {"ChatFunction": "ChatRole", "TasksFunction": "TasksRole", "TidyFunction": "TidyRole"}
    for function, role in roles.items():
        named = {
            parameter_of(value)
            for name, value in environment(template, function).items()
            if name.endswith("_SECRET_ARN")
        }
        policies = template["Resources"][role]["Properties"]["Policies"]
        readable = {
            parameter_of(secret)
            for statement in statements_of(policies[0])
            if statement["Action"] == "secretsmanager:GetSecretValue"
            for secret in statement["Resource"]
        }
        assert readable == named
        # In the role itself: a function is made after it, and reads its secrets at once.
        [key] = [each for each in statements_of(policies[0]) if each["Action"] == "kms:Decrypt"]
        assert key["Resource"] == {"Ref": "SecretsKeyArn"}


def test_nothing_is_granted_on_everything(resources: Document) -> None:
    for statement in statements(resources):
        actions = as_list(statement["Action"])
        assert not any("*" in action for action in actions)
        if statement["Resource"] == "*":
            assert set(actions) <= RESOURCE_BLIND_ACTIONS, statement["Sid"]


def test_the_tasks_url_is_signed_for_by_the_chat_alone(resources: Document) -> None:
    assert resources["ChatMayCallTasks"]["Condition"] == "HasFront"
    granted = resources["ChatMayCallTasks"]["Properties"]["PolicyDocument"]["Statement"]
    # A URL needs both actions (AWS: "Control access to Lambda function URLs").
    assert {s["Action"] for s in granted} == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}


@pytest.mark.parametrize("function", ["ChatFunction", "TasksFunction"])
def test_exactly_one_place_answers_cors(template: Document, function: str) -> None:
    url = template["Resources"][function]["Properties"]["FunctionUrlConfig"]
    condition, with_front, without_front = url["Cors"]["Fn::If"]
    assert condition == "HasFront"
    assert with_front == {"Ref": "AWS::NoValue"}
    assert without_front["AllowOrigins"] == {"Ref": "AllowedOrigins"}
    assert "OPTIONS" not in without_front["AllowMethods"]

    own = environment(template, function)["CORS_ORIGINS"]["Fn::If"]
    assert own[0] == "HasFront"
    assert own[1] == {"Fn::Join": [",", {"Ref": "AllowedOrigins"}]}
    assert own[2] == ""
    if function == "ChatFunction":
        strip = environment(template, function)["STREAM_STRIP_CORS_HEADERS"]
        assert strip == {"Fn::If": ["HasFront", "0", "1"]}


def test_each_function_logs_json_to_its_own_group_for_a_while(resources: Document) -> None:
    groups = {function: f"{function.removesuffix('Function')}LogGroup" for function in LAYERS}
    for function, group in groups.items():
        logging = resources[function]["Properties"]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        assert logging["LogGroup"] == {"Ref": group}
        assert resources[group]["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}
        # The stack's id in the name: one that a failed deployment left is in nobody's way.
        assert resources[group]["DeletionPolicy"] == "Retain"
        assert "AWS::StackId" in json.dumps(resources[group]["Properties"]["LogGroupName"])


@pytest.mark.parametrize(
    ("function", "service"), [("ChatFunction", "chat"), ("TasksFunction", "tasks")]
)
def test_a_gradual_release_is_stopped_by_alarms_of_the_new_version_alone(
    translate: Translate, function: str, service: str
) -> None:
    made = translate({"DeploymentType": "Canary10Percent10Minutes"}, {})
    served = made[f"{function}Aliaslive"]["Properties"]["FunctionVersion"]
    version, attribute = served["Fn::GetAtt"]
    assert (made[version]["Type"], attribute) == ("AWS::Lambda::Version", "Version")
    group = made[f"{function}DeploymentGroup"]["Properties"]
    condition, watched, unwatched = group["AlarmConfiguration"]["Fn::If"]
    assert (condition, unwatched) == ("IsGradual", {})
    assert watched["Enabled"] is True
    alarms = [made[alarm["Name"]["Ref"]] for alarm in watched["Alarms"]]
    assert {alarm["Condition"] for alarm in alarms} == {"IsGradual"}
    seen = set()
    for alarm in (each["Properties"] for each in alarms):
        # A name of its own: it is a new alarm, in whose way nothing stands that an old one saw.
        name = alarm["AlarmName"]["Fn::Sub"]
        assert name.startswith(f"${{AWS::StackName}}-{service}-${{{version}.Version}}-"), name
        assert alarm["TreatMissingData"] == "notBreaching"
        for read in (each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each):
            metric = read["Metric"]
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            named = {"AWS/Lambda": "ExecutedVersion", "Sidestream": "version"}[metric["Namespace"]]
            assert dimensions[named] == served
            seen.add(metric["MetricName"])
    runs = {"RunErrors", "TTFTWithinTarget"} if service == "chat" else set()
    assert seen == {"Errors", "Invocations", "ServerErrors", *runs}


def test_a_formula_names_what_its_alarm_reads(resources: Document) -> None:
    words = {"IF", "AND", "FILL"}
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items():
        if "Metrics" not in alarm:
            continue
        [formula] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
        read = {each["Id"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert set(re.findall(r"[A-Za-z_]+", formula)) - words == read, name
        assert all(each["ReturnData"] is False for each in alarm["Metrics"] if "MetricStat" in each)
        [period] = {
            each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each
        }
        assert period % 60 == 0


@pytest.mark.parametrize("function", ["Chat", "Tasks"])
def test_silence_is_told_of_and_no_level_brings_it_about(
    template: Document, resources: Document, function: str
) -> None:
    # Lambda takes a line without a level for one of INFO, and drops what is below the level
    # (AWS: "Log-level filtering").
    assert template["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]
    for alarm in (f"{function}SilentAlarm", f"{function}VersionSilentAlarm"):
        [formula, *metrics] = resources[alarm]["Properties"]["Metrics"]
        assert "FILL(requests, 0) < 1" in formula["Expression"]
        read = {each["Id"]: each["MetricStat"] for each in metrics}
        assert read["invocations"]["Metric"]["MetricName"] == "Invocations"
        assert read["requests"]["Metric"]["MetricName"] == "ServerErrors"
        assert read["requests"]["Stat"] == "SampleCount"


def test_every_alarm_says_what_to_do_and_tells_somebody(resources: Document) -> None:
    tell = [{"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}]
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items():
        assert len(alarm["AlarmDescription"]) > 30, name
        assert alarm["AlarmActions"] == tell, name
        assert alarm["OKActions"] == tell, name
        assert alarm["TreatMissingData"] in {"notBreaching", "breaching"}, name


def test_buckets_are_private_encrypted_expiring_and_tls_only(resources: Document) -> None:
    policies = of_type(resources, "AWS::S3::BucketPolicy").values()
    for name, bucket in of_type(resources, "AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["BucketEncryption"]
        assert "ExpirationInDays" in bucket["LifecycleConfiguration"]["Rules"][0]
        [policy] = [policy for policy in policies if policy["Bucket"] == {"Ref": name}]
        [deny] = policy["PolicyDocument"]["Statement"]
        assert deny["Effect"] == "Deny"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_belongs_to_an_option_exists_only_with_it(template: Document) -> None:
    options = {
        "HasRestFront": {"RestFrontApi", "RestFrontMayInvokeChat", "RestFrontMayInvokeTasks"},
        "HasCanary": {
            *("FirstTokenCanary", "CanaryRole", "CanaryBucket", "CanaryBucketPolicy"),
            *("CanaryAlarm", "CanarySlowAlarm", "CanaryLogGroup"),
        },
        "HasFront": {"ChatMayCallTasks"},
        "HasNoFront": {
            *("AnyoneMayCallChatUrl", "AnyoneMayCallChatThroughUrl"),
            *("AnyoneMayCallTasksUrl", "AnyoneMayCallTasksThroughUrl"),
        },
        "RestFrontHasWebAcl": {"RestFrontWebAcl"},
        "RestFrontHasLog": {"RestFrontLogGroup"},
        "HasCloudFront": {
            *("OriginAccess", "Distribution"),
            *("CloudFrontMayCallChatUrl", "CloudFrontMayCallChatThroughUrl"),
            *("CloudFrontMayCallTasksUrl", "CloudFrontMayCallTasksThroughUrl"),
        },
        "CloudFrontHasLog": {"AccessLogBucket", "AccessLogBucketPolicy"},
        "HasAlarmEmail": {"AlarmTopic"},
        "IsGradual": {
            *("ChatVersionErrorsAlarm", "ChatVersionRunErrorsAlarm", "ChatVersionTtftAlarm"),
            *("ChatVersionSilentAlarm", "TasksVersionErrorsAlarm", "TasksVersionSilentAlarm"),
            *("ReleaseCheck", "ReleaseCheckRole"),
        },
        "IsArm": {"ChatDependenciesArm64", "TasksDependenciesArm64"},
        "IsX86": {"ChatDependenciesX86", "TasksDependenciesX86"},
    }
    conditional = {
        name: resource["Condition"]
        for name, resource in template["Resources"].items()
        if "Condition" in resource
    }
    expected = {name: option for option, names in options.items() for name in names}
    assert conditional == expected


def test_what_tidies_is_asked_for_once_an_hour_and_by_nobody_else(
    resources: Document, translate: Translate
) -> None:
    function = resources["TidyFunction"]["Properties"]
    assert "FunctionUrlConfig" not in function
    [event] = function["Events"].values()
    assert (event["Type"], event["Properties"]["Schedule"]) == ("Schedule", "rate(1 hour)")
    [rule] = of_type(translate({}, {}), "AWS::Events::Rule").values()
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "TidyFunctionAliaslive"}]


def test_production_cannot_be_released_blindly(template: Document) -> None:
    rule = template["Rules"]["ProductionIsWatched"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    texts = " ".join(assertion["AssertDescription"] for assertion in rule["Assertions"])
    assert "DeploymentType" in texts
    assert "AlarmEmail" in texts
    assert "ChatConcurrency" in texts


OPEN, REST, CLOUD = "HasNoFront", "HasRestFront", "HasCloudFront"


@pytest.mark.parametrize("front", [OPEN, REST, CLOUD])
@pytest.mark.parametrize("function", ["ChatFunction", "TasksFunction"])
def test_a_function_may_be_called_by_all_or_by_its_front_alone(
    template: Document, translate: Translate, front: str, function: str
) -> None:
    url = template["Resources"][function]["Properties"]["FunctionUrlConfig"]
    assert url["AuthType"] == {"Fn::If": ["HasFront", "AWS_IAM", "NONE"]}

    may = []
    for resource in translate({}, {}).values():
        given = resource["Properties"]
        if resource["Type"] != "AWS::Lambda::Permission":
            continue
        if given["FunctionName"] == {"Ref": f"{function}Aliaslive"}:
            assert resource["Condition"] in (OPEN, REST, CLOUD)
            if resource["Condition"] == front:
                via = "FunctionUrlAuthType" in given, "InvokedViaFunctionUrl" in given
                may.append((given["Action"], given["Principal"], "SourceArn" in given, *via))

    # A URL needs both (AWS: "Control access to Lambda function URLs").
    whose = "*" if front == OPEN else "cloudfront.amazonaws.com"
    through = ("lambda:InvokeFunction", whose, front != OPEN, False, True)
    direct = ("lambda:InvokeFunctionUrl", whose, front != OPEN, front == OPEN, False)
    rest = ("lambda:InvokeFunction", "apigateway.amazonaws.com", True, False, False)
    assert sorted(may) == ([rest] if front == REST else [through, direct])


def test_cloudfront_bears_the_silence_between_two_beats(resources: Document) -> None:
    distribution = resources["Distribution"]["Properties"]["DistributionConfig"]
    for origin in distribution["Origins"]:
        silence_s = origin["CustomOriginConfig"]["OriginReadTimeout"]
        assert ChatSettings.model_fields["stream_beat_s"].default * 2 < silence_s


def test_cloudfront_keeps_nothing_and_passes_everything_on(resources: Document) -> None:
    distribution = resources["Distribution"]["Properties"]["DistributionConfig"]
    behaviors = [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]
    assert [each["TargetOriginId"] for each in behaviors] == ["chat", "tasks", "tasks"]
    for each in behaviors:
        assert each["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
        assert each["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # no Host
        assert {"GET", "POST", "PATCH", "DELETE", "OPTIONS"} <= set(each["AllowedMethods"])
        assert each["ViewerProtocolPolicy"] == "https-only"
        assert each["Compress"] is False


def test_cloudfront_keeps_no_answer_and_no_error(resources: Document) -> None:
    config = resources["Distribution"]["Properties"]["DistributionConfig"]
    for behavior in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    # Those that it keeps (AWS: "HTTP 4xx and 5xx status codes that CloudFront caches").
    kept = {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}
    errors = config["CustomErrorResponses"]
    assert {each["ErrorCode"] for each in errors} == kept
    assert all({*each} == {"ErrorCode", "ErrorCachingMinTTL"} for each in errors)
    assert {each["ErrorCachingMinTTL"] for each in errors} == {0}


def test_the_rest_front_streams_the_chat(resources: Document) -> None:
    paths = resources["RestFrontApi"]["Properties"]["DefinitionBody"]["paths"]
    for path, methods in paths.items():
        integration = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        streams = integration.get("responseTransferMode") == "STREAM"
        # API Gateway: a streamed response is asked for by another address of the function's.
        assert streams is ("ChatFunction" in integration["uri"]["Fn::Sub"]), path
        assert streams is integration["uri"]["Fn::Sub"].endswith("/response-streaming-invocations")


@pytest.mark.parametrize(
    ("changed", "republished"),
    [
        ("ChatFunction", {"ChatFunction"}),
        ("TasksFunction", {"TasksFunction"}),
        ("TidyFunction", {"TidyFunction"}),
        ("ChatDependenciesArm64", {"ChatFunction", "TidyFunction"}),
        ("ChatDependenciesX86", {"ChatFunction", "TidyFunction"}),
        ("TasksDependenciesArm64", {"TasksFunction"}),
        ("TasksDependenciesX86", {"TasksFunction"}),
    ],
)
def test_new_code_and_new_layers_publish_a_version(
    translate: Translate, changed: str, republished: set[str]
) -> None:
    before, after = _versions(translate({}, {})), _versions(translate({}, {changed: "other"}))
    assert {name for name in after if after[name] != before[name]} == republished


@pytest.mark.parametrize("function", ["ChatFunction", "TasksFunction"])
def test_a_versions_description_tells_the_layer_that_the_function_has(
    translate: Translate, function: str
) -> None:
    made = translate({}, {})
    [layer] = made[function]["Properties"]["Layers"]
    assert layer["Fn::If"][0] == "IsArm"
    _text, named = _version(made, function)["Properties"]["Description"]["Fn::Sub"]
    # An ARN's eighth part, the version: arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    assert named == {"Layer": {"Fn::Select": [7, {"Fn::Split": [":", layer]}]}}


def test_a_version_is_published_for_each_parameter_that_its_description_tells(
    template: Document, translate: Translate
) -> None:
    parameters = {name: _longest(given) for name, given in template["Parameters"].items()}
    made = translate(parameters, {})
    parameters["Layer"] = "1" * 6
    for function in LAYERS:
        version = _version(made, function)
        description, layer = version["Properties"]["Description"]["Fn::Sub"]
        told = set(re.findall(r"\$\{(\w+)\}", description)) - set(layer)
        configures = made[function]["Properties"]
        used = {name for name in template["Parameters"] if _uses(configures, template, name)}

        assert used - {"ChatConcurrency", "TasksConcurrency"} - UNTOLD == told, function
        text = re.sub(r"\$\{(\w+)\}", lambda name: parameters[name[1]], description)
        assert len(text) <= 256
        assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"


def test_the_rest_front_has_one_stage_and_it_is_throttled(translate: Translate) -> None:
    made = translate({"RestFront": "true"}, {})
    [stage] = of_type(made, "AWS::ApiGateway::Stage").values()
    [deployment] = of_type(made, "AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment  # it would make one more
    [settings] = stage["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert 0 < settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"]


def test_the_urls_of_the_outputs_end_without_a_slash(template: Document) -> None:
    for output, function in (("ChatUrl", "ChatFunction"), ("TasksUrl", "TasksFunction")):
        condition, rest, otherwise = template["Outputs"][output]["Value"]["Fn::If"]
        assert condition == "HasRestFront"
        assert rest["Fn::Sub"].endswith("/live")
        condition, cloud, own = otherwise["Fn::If"]
        assert condition == "HasCloudFront"
        assert cloud["Fn::Sub"][0] == "https://${Host}"
        parts = {"Fn::Split": ["/", {"Fn::GetAtt": [f"{function}Url", "FunctionUrl"]}]}
        assert own == {"Fn::Join": ["//", ["https:", {"Fn::Select": [2, parts]}]]}


def _version(made: Document, function: str) -> Document:
    [version] = [
        resource
        for name, resource in made.items()
        if resource["Type"] == "AWS::Lambda::Version" and name.startswith(function)
    ]
    found: Document = version
    return found


def _versions(made: Document) -> dict[str, tuple[str, str]]:
    """What replaces a version: another logical id, or another description, which may name a layer
    (CloudFormation: "AWS::Lambda::Version")."""
    return {
        name.partition("Version")[0]: (name, json.dumps(resource["Properties"]["Description"]))
        for name, resource in made.items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def _uses(properties: Any, template: Document, name: str) -> bool:
    # Tell whether a parameter is in a resource's properties, directly or through a condition.
    text = json.dumps(properties)
    for condition, definition in template["Conditions"].items():
        text = text.replace(f'{{"Fn::If": ["{condition}"', json.dumps(definition))
    for condition, definition in template["Conditions"].items():  # those that others are made of
        text = text.replace(f'{{"Condition": "{condition}"}}', json.dumps(definition))
    return f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text


def _longest(parameter: Document) -> str:
    if "AllowedValues" in parameter:
        return str(max(parameter["AllowedValues"], key=lambda value: len(str(value))))
    if "MaxLength" in parameter:
        return "x" * int(parameter["MaxLength"])
    counted = re.search(r"\{1,(\d+)\}\$$", parameter.get("AllowedPattern", ""))
    return "x" * int(counted[1]) if counted else str(parameter.get("MaxValue", "x"))
