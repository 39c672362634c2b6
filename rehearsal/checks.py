"""What must be there once a stack is deployed, read from the account and not from the template.

Each check gives its findings as sentences; none means that all is well.
"""

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from functools import cache

from botocore.exceptions import ClientError

from layers.machine import MACHINES
from rehearsal import gradual
from rehearsal.account import Account
from rehearsal.gradual import asked_before
from rehearsal.stack import ALIAS, Document, Stack, allowed, live_version, reasons

FUNCTIONS = {"ChatFunction": "chat", "TasksFunction": "tasks", "TidyFunction": "tidy"}
FRONTS = {"RestFront": "apigateway.amazonaws.com", "CloudFront": "cloudfront.amazonaws.com"}
WITH_URL = ("ChatFunction", "TasksFunction")
# What each does with files: actions, and on which.
FILES = {
    "ChatFunction": (("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), "file"),
    "TasksFunction": ((), ""),
    "TidyFunction": (("s3:DeleteObject",), "attachments/file"),
}
MACHINE_OF = {"arm64": "aarch64", "x86_64": "x86_64"}
OPEN = {
    ("lambda:InvokeFunctionUrl", '{"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}'),
    ("lambda:InvokeFunction", '{"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}'),
}


def findings(account: Account, name: str) -> list[str]:
    """Everything that is wrong with a deployed stack."""
    stack = Stack.of(account, name)
    if not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status:
        return [f"the stack is {stack.status}: {reason}" for reason in reasons(account, name)]
    found = [*_outputs(stack), *_bucket(stack), *_watching(stack), *_front(stack)]
    found += gradual.findings(stack)
    for function in FUNCTIONS:
        try:
            found += [f"{function}: {finding}" for finding in _function(stack, function)]
        except ClientError as error:
            found.append(f"{function}: {error}")
    return found


def _function(stack: Stack, logical_id: str) -> Iterator[str]:
    client = stack.account.client("lambda")
    name = stack.id_of(logical_id)
    try:
        version = live_version(stack.account, name)
    except ClientError:
        yield f"no alias {ALIAS}"
        return
    if version == "$LATEST":
        yield "the alias leads to $LATEST, which a roll-back cannot go back to"
    live = client.get_function_configuration(FunctionName=name, Qualifier=ALIAS)
    latest = client.get_function_configuration(FunctionName=name)
    for part in ("Environment", "Layers", "MemorySize", "Timeout", "CodeSha256"):
        if live.get(part) != latest.get(part):
            yield f"{part} was changed, and the alias serves the old"
    wanted = stack.parameters["SnapStart"] if logical_id in WITH_URL else "off"
    if (live["SnapStart"]["ApplyOn"] == "PublishedVersions") is not (wanted == "on"):
        yield f"SnapStart is {live['SnapStart']['ApplyOn']}, not {wanted}"
    yield from _architecture(stack, live)
    yield from _concurrency(stack, logical_id)
    yield from _role(stack, logical_id, live)
    if logical_id in WITH_URL:
        yield from _url(stack, logical_id)
    else:
        yield from _schedule(stack, logical_id)


def _architecture(stack: Stack, live: Document) -> Iterator[str]:
    wanted = stack.parameters["Architecture"]
    if live["Architectures"] != [wanted]:
        yield f"runs on {live['Architectures']}, not {wanted}"
    if not live.get("Layers"):
        yield "has no layer"
    for layer in live.get("Layers", []):
        machines = _machines(stack.account, layer["Arn"])
        if machines != {MACHINE_OF[wanted]}:
            yield f"its layer has libraries for {sorted(machines)}, and it runs on {wanted}"


@cache
def _machines(account: Account, arn: str) -> set[str]:
    # What the libraries of an uploaded layer are for.
    content = account.client("lambda").get_layer_version_by_arn(Arn=arn)["Content"]
    with urllib.request.urlopen(content["Location"]) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    machines = set()
    for name in archive.namelist():
        if ".so" in name:
            with archive.open(name) as file:
                header = file.read(20)
            if header.startswith(b"\x7fELF"):
                machines.add(MACHINES.get(header[18:20], "unknown"))
    return machines


def _concurrency(stack: Stack, logical_id: str) -> Iterator[str]:
    if logical_id in WITH_URL:
        wanted = stack.parameters[f"{FUNCTIONS[logical_id].title()}Concurrency"]
    else:  # one tidies, where anything is reserved
        wanted = "none" if stack.parameters["TasksConcurrency"] == "none" else "1"
    answer = stack.account.client("lambda").get_function_concurrency(
        FunctionName=stack.id_of(logical_id)
    )
    reserved = answer.get("ReservedConcurrentExecutions")
    if (None if wanted == "none" else int(wanted)) != reserved:
        yield f"reserves {reserved}, not {wanted}"


def _url(stack: Stack, logical_id: str) -> Iterator[str]:
    client = stack.account.client("lambda")
    name = stack.id_of(logical_id)
    url = client.get_function_url_config(FunctionName=name, Qualifier=ALIAS)
    is_chat = logical_id == "ChatFunction"
    auth = "AWS_IAM" if stack.front else "NONE"
    mode = "RESPONSE_STREAM" if is_chat else "BUFFERED"
    if (url["AuthType"], url["InvokeMode"]) != (auth, mode):
        yield f"its URL is {url['AuthType']} {url['InvokeMode']}, not {auth} {mode}"
    if bool(url.get("Cors")) is bool(stack.front):
        yield "CORS is answered by none, or by two"

    try:
        policy = json.loads(client.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    everybody = set()
    fronts: dict[str, set[str]] = {}
    for statement in policy["Statement"]:
        if statement["Principal"] in ("*", {"AWS": "*"}):
            everybody.add((statement["Action"], json.dumps(statement.get("Condition", {}))))
        elif service := statement["Principal"].get("Service"):
            source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
            fronts.setdefault(service, set()).add(source)
        else:
            yield f"{statement['Principal']} may call it"
    wanted = OPEN if auth == "NONE" else set()
    if everybody != wanted:
        yield f"everybody may {sorted(everybody)}, where a URL with {auth} needs {sorted(wanted)}"
    if fronts != ({FRONTS[stack.front]: {_front_arn(stack)}} if stack.front else {}):
        yield f"it may be called by {fronts}"


def _front_arn(stack: Stack) -> str:
    account = stack.account.client("sts").get_caller_identity()["Account"]
    if stack.front == "CloudFront":
        [distribution] = stack.ids("AWS::CloudFront::Distribution")
        return f"arn:aws:cloudfront::{account}:distribution/{distribution}"
    [api] = stack.ids("AWS::ApiGateway::RestApi")
    return f"arn:aws:execute-api:us-east-1:{account}:{api}/*"


def _schedule(stack: Stack, logical_id: str) -> Iterator[str]:
    client = stack.account.client("events")
    called = [
        target["Arn"]
        for rule in stack.ids("AWS::Events::Rule")
        for target in client.list_targets_by_rule(Rule=rule)["Targets"]
    ]
    if called != [f"{stack.arn_of(logical_id)}:{ALIAS}"]:
        yield f"the schedule calls {called}"


def _role(stack: Stack, logical_id: str, live: Document) -> Iterator[str]:
    is_chat = logical_id == "ChatFunction"
    variables = live["Environment"]["Variables"]
    needs = [
        ("secretsmanager:GetSecretValue", arn)
        for name, arn in variables.items()
        if name.endswith("_SECRET_ARN")
    ]
    group = live["LoggingConfig"]["LogGroup"]
    logs = f"arn:aws:logs:us-east-1:{live['FunctionArn'].split(':')[4]}:log-group:{group}:*"
    needs += [("logs:CreateLogStream", logs), ("logs:PutLogEvents", logs)]
    needs += [("xray:PutTraceSegments", "*")]
    bucket = variables.get("ATTACHMENTS_BUCKET")
    actions, file = FILES[logical_id]
    needs += [(action, f"arn:aws:s3:::{bucket}/{file}") for action in actions]
    if actions:
        needs += [("s3:ListBucket", f"arn:aws:s3:::{bucket}")]
    for action, resource in needs:
        if not allowed(stack.account, live["Role"], action, resource):
            yield f"its role may not {action} on {resource}"
    other = stack.account.client("secretsmanager").describe_secret(SecretId="rehearsal/other")
    if allowed(stack.account, live["Role"], "secretsmanager:GetSecretValue", other["ARN"]):
        yield "its role may read a secret of somebody else's"

    key = stack.parameters["SecretsKeyArn"]
    if key and not _granted(stack.account, live["Role"], "kms:Decrypt", key):
        yield f"its role may not kms:Decrypt with {key}"

    calls = bool(stack.front) and is_chat
    alias = f"{stack.arn_of('TasksFunction')}:{ALIAS}"
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        if _granted(stack.account, live["Role"], action, alias) is not calls:
            yield f"its role {'may not' if calls else 'may'} {action} on the tasks"


def _granted(account: Account, role: str, action: str, resource: str) -> bool:
    # What is granted under a condition, which the simulation does not take.
    iam = account.client("iam")
    name = role.rpartition("/")[2]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        for statement in document["Statement"]:
            if statement["Action"] == action and statement["Resource"] == resource:
                return bool(statement["Effect"] == "Allow")
    return False


def _outputs(stack: Stack) -> Iterator[str]:
    for name in WITH_URL:
        if stack.outputs[f"{name}Name"] != stack.id_of(name):
            yield f"the output {name}Name is {stack.outputs[f'{name}Name']}"
    for name in ("ChatUrl", "TasksUrl"):
        url = stack.outputs[name]
        if not url.startswith("https://") or url.endswith("/"):
            yield f"the output {name} is {url}"
        if not _leads_there(stack, url):
            yield f"the output {name} does not lead to the front: {url}"
    chat = stack.account.client("lambda").get_function_configuration(
        FunctionName=stack.id_of("ChatFunction")
    )
    if chat["Environment"]["Variables"]["TOOLS_MCP_URL"] != stack.outputs["McpUrl"]:
        yield "the chat calls its tools elsewhere than at the output McpUrl"


def _leads_there(stack: Stack, url: str) -> bool:
    host = url.removeprefix("https://")
    match stack.front:
        case "RestFront":
            return host.endswith("/live")
        case "CloudFront":
            return host == (stack.parameters["DomainName"] or stack.outputs["FrontDomain"])
        case _:
            return ".lambda-url." in host


def _bucket(stack: Stack) -> Iterator[str]:
    access = stack.account.client("s3").get_public_access_block(
        Bucket=stack.outputs["AttachmentsBucketName"]
    )["PublicAccessBlockConfiguration"]
    if not all(access.values()):
        yield "the attachments are not private"


def _watching(stack: Stack) -> Iterator[str]:
    watch = stack.account.client("cloudwatch")
    functions = {stack.id_of(logical_id) for logical_id in FUNCTIONS}
    alarms = [
        alarm
        for name in stack.ids("AWS::CloudWatch::Alarm")
        for alarm in watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    ]
    if len(alarms) != len(stack.ids("AWS::CloudWatch::Alarm")):
        yield "alarms are missing"
    topics = stack.ids("AWS::SNS::Topic")
    email = stack.parameters["AlarmEmail"]
    for alarm in alarms:
        named = {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])}
        if "FunctionName" in named and named["FunctionName"] not in functions:
            yield f"{alarm['AlarmName']} watches {named['FunctionName']}"
        if alarm["AlarmActions"] != (topics if email else []):
            yield f"{alarm['AlarmName']} tells {alarm['AlarmActions']}"
    if email:
        told = stack.account.client("sns").list_subscriptions_by_topic(TopicArn=topics[0])
        if [each["Endpoint"] for each in told["Subscriptions"]] != [email]:
            yield f"alarms are not sent to {email}"
    [dashboard] = stack.ids("AWS::CloudWatch::Dashboard")
    json.loads(watch.get_dashboard(DashboardName=dashboard)["DashboardBody"])
    groups = stack.account.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/lambda/{stack.name}/"
    )["logGroups"]
    kept = {each["logGroupName"]: each.get("retentionInDays") for each in groups}
    days = int(stack.parameters["LogDays"])
    for function, name in (FUNCTIONS | asked_before(stack)).items():
        group = stack.id_of(f"{function.removesuffix('Function')}LogGroup")
        if not group.startswith(f"/aws/lambda/{stack.name}/{name}-") or kept.get(group) != days:
            yield f"the log group of {function} is {group}, kept for {kept.get(group)} days"


def _front(stack: Stack) -> Iterator[str]:
    client = stack.account.client("apigateway")
    for api in stack.ids("AWS::ApiGateway::RestApi"):
        for stage in client.get_stages(restApiId=api)["item"]:
            limits = stage.get("methodSettings", {}).get("*/*", {})
            if not 0 < limits.get("throttlingRateLimit", 0) < 10_000:
                yield f"nothing throttles the stage {stage['stageName']} of the front"
            if stage["stageName"] != "live":
                yield f"the front has a stage {stage['stageName']}"
        prefix = f"/aws/apigateway/{stack.name}/"
        logs = [name for name in stack.ids("AWS::Logs::LogGroup") if name.startswith(prefix)]
        if bool(logs) is not stack.on("AccessLog"):
            yield f"the front writes its requests to {logs}"
    for distribution in stack.ids("AWS::CloudFront::Distribution"):
        yield from _distribution(stack, distribution)


def _distribution(stack: Stack, distribution: str) -> Iterator[str]:
    client = stack.account.client("cloudfront")
    config = client.get_distribution_config(Id=distribution)["DistributionConfig"]
    urls = {
        stack.account.client("lambda")
        .get_function_url_config(FunctionName=stack.id_of(name), Qualifier=ALIAS)["FunctionUrl"]
        .split("/")[2]
        for name in WITH_URL
    }
    if {origin["DomainName"] for origin in config["Origins"]["Items"]} != urls:
        yield "CloudFront leads elsewhere than to the functions' URLs"
    for origin in config["Origins"]["Items"]:
        access = client.get_origin_access_control(Id=origin["OriginAccessControlId"])
        signing = access["OriginAccessControl"]["OriginAccessControlConfig"]
        kind = signing["OriginAccessControlOriginType"], signing["SigningBehavior"]
        if kind != ("lambda", "always"):
            yield f"CloudFront signs for {origin['Id']}: {kind}"
    names = config.get("Aliases", {}).get("Items", [])
    if names != [name for name in (stack.parameters["DomainName"],) if name]:
        yield f"CloudFront answers for {names}"
    if config.get("WebACLId", "") != stack.parameters["WebAclArn"]:
        yield f"CloudFront has the web ACL {config.get('WebACLId')}"
    if config.get("Logging", {}).get("Enabled", False) is not stack.on("AccessLog"):
        yield "CloudFront writes no log of its requests, or one that nobody asked for"
