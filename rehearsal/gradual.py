"""What must be there for gradual releases: what is asked before them, and what judges them.

Findings are sentences, as those of `checks` are.
"""

from collections.abc import Iterator

from rehearsal.stack import Stack, allowed, live_version

JUDGED = {"ChatFunction": "chat", "TasksFunction": "tasks"}


def findings(stack: Stack) -> list[str]:
    """Everything that is wrong with how a stack releases."""
    return [*_release_check(stack), *_judging(stack)]


def asked_before(stack: Stack) -> dict[str, str]:
    """Give what is asked before a gradual release; nothing is where all traffic moves at once."""
    is_gradual = stack.parameters["DeploymentType"] != "AllAtOnce"
    return {"ReleaseCheck": "release-check"} if is_gradual else {}


def _release_check(stack: Stack) -> Iterator[str]:
    # Of which version it is asked, and what it may do.
    for logical_id in asked_before(stack):
        client = stack.account.client("lambda")
        check = client.get_function_configuration(FunctionName=stack.id_of(logical_id))
        if not check["FunctionName"].startswith("CodeDeployHook_"):
            yield f"CodeDeploy may not call {check['FunctionName']}"
        live = live_version(stack.account, stack.id_of("ChatFunction"))
        served = f"{stack.arn_of('ChatFunction')}:{live}"
        variables = check["Environment"]["Variables"]
        if variables["VERSION"] != served:
            yield f"the release check asks {variables['VERSION']}, and {served} is served"
        account = served.split(":")[4]
        application = stack.id_of("ServerlessDeploymentApplication")
        group = f"arn:aws:codedeploy:us-east-1:{account}:deploymentgroup:{application}/chat"
        needs = (
            ("lambda:InvokeFunction", served, True),
            ("lambda:InvokeFunction", f"{stack.arn_of('TasksFunction')}:1", False),
            ("secretsmanager:GetSecretValue", variables["SESSION_SIGNING_KEY_SECRET_ARN"], True),
            ("secretsmanager:GetSecretValue", stack.account.secrets["DatabaseUrlSecretArn"], False),
            ("codedeploy:PutLifecycleEventHookExecutionStatus", group, True),
        )
        for action, resource, wanted in needs:
            if allowed(stack.account, check["Role"], action, resource) is not wanted:
                yield f"the release check {'may not' if wanted else 'may'} {action} on {resource}"


def _judging(stack: Stack) -> Iterator[str]:
    # A gradual release is judged by alarms that have the live version in name and metrics.
    watch = stack.account.client("cloudwatch")
    alarms = watch.describe_alarms(AlarmNames=stack.ids("AWS::CloudWatch::Alarm"))["MetricAlarms"]
    for logical_id, name in JUDGED.items():
        version = live_version(stack.account, stack.id_of(logical_id))
        own = f"{stack.name}-{name}-"
        judging = [alarm for alarm in alarms if alarm["AlarmName"].startswith(own)]
        if bool(judging) is not bool(asked_before(stack)):
            yield f"{logical_id}: {len(judging)} alarms judge its releases"
        for alarm in judging:
            read = [
                each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each
            ]
            told = {
                each["Value"]
                for metric in read
                for each in metric["Dimensions"]
                if each["Name"] in ("ExecutedVersion", "version")
            }
            if not alarm["AlarmName"].startswith(f"{own}{version}-") or told != {version}:
                yield f"{alarm['AlarmName']} judges {sorted(told)}, and {version} is served"
