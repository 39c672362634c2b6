"""An AWS in plain Python, on loopback, with the few resource types that it lacks as no-ops.

Run by `.tools/aws/bin/python`, whose environment has `ministack` and nothing of ours:

    python rehearsal/stand_in.py PORT CONCURRENCY

CONCURRENCY is the account's limit, which is held to when a function reserves of it. A type that
only gets a no-op is named in one line of the output, so that nobody takes it for rehearsed. No
function is run.
"""

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any

type Properties = dict[str, Any]
type Handler = Callable[..., tuple[str, Properties]]

UNRESERVED_AT_LEAST = 100  # what Lambda keeps for functions that reserve nothing

NO_OPS = (
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Logs::QueryDefinition",
    "AWS::Synthetics::Canary",
    "AWS::WAFv2::WebACLAssociation",
)


_names: set[str] = set()


def _create(logical_id: str, properties: Properties, _stack: str) -> tuple[str, Properties]:
    name = properties.get("Name") or f"{logical_id}-{uuid.uuid4().hex[:12]}"
    if name in _names:
        raise ValueError(f"{name} already exists")
    _names.add(name)
    return name, {"Id": name, "Name": name}


def _update(
    physical_id: str, _before: Properties, _after: Properties, _stack: str
) -> tuple[str, Properties]:
    return physical_id, {"Id": physical_id, "Name": physical_id}


def _delete(physical_id: str, _properties: Properties) -> None:
    _names.discard(physical_id)


def _reserving(limit: int, handler: Handler, properties_at: int) -> Handler:
    """A handler of functions that reserves concurrency, which this CloudFormation leaves out, and
    refuses what the account does not have, in Lambda's own words.

    Lambda keeps 100 for the others ("Understanding Lambda function scaling"); of a new account's 10
    nothing can be reserved, and its refusal then names 10.
    """

    def reserving(*given: Any, **named: Any) -> tuple[str, Properties]:
        from ministack.services.lambda_svc import _functions

        wanted = given[properties_at].get("ReservedConcurrentExecutions")
        own = given[0]
        others = sum(
            function.get("concurrency") or 0 for name, function in _functions.items() if name != own
        )
        kept = min(UNRESERVED_AT_LEAST, limit)
        if wanted is not None and limit - others - int(wanted) < kept:
            raise ValueError(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{kept}]. "
                "(Service: Lambda, Status Code: 400)"
            )
        name, attributes = handler(*given, **named)
        _functions[name]["concurrency"] = None if wanted is None else int(wanted)
        return name, attributes

    return reserving


def _with_formulas(record: Callable[..., Properties]) -> Callable[..., Properties]:
    """What makes an alarm's record, for alarms on a formula too, which this CloudWatch lacks: they
    are kept as they are given, and never evaluated."""

    def made(name: str, properties: Properties) -> Properties:
        formulas = properties.get("Metrics")
        if not formulas:
            return record(name, properties)
        [first, *_] = [each["MetricStat"]["Metric"] for each in formulas if "MetricStat" in each]
        alarm = record(name, {**properties, **first, "Metrics": None})
        return {**alarm, "Metrics": formulas}

    return made


def add_types(concurrency: int) -> None:
    """Give CloudFormation the types that it lacks, where it does, and the account its limit."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS
    provisioners._cw_metric_alarm_record = _with_formulas(provisioners._cw_metric_alarm_record)
    print("no-op: formulas of AWS::CloudWatch::Alarm", flush=True)
    functions = handlers["AWS::Lambda::Function"]
    functions["create"] = _reserving(concurrency, functions["create"], 1)
    functions["update"] = _reserving(concurrency, functions["update"], 2)

    for kind in NO_OPS:
        if kind not in handlers:
            handlers[kind] = {"create": _create, "update": _update, "delete": _delete}
            print(f"no-op: {kind}", flush=True)
    inline = handlers["AWS::IAM::Policy"]

    def as_policy(properties: Properties) -> Properties:
        return {**properties, "Roles": [properties["RoleName"]]}

    # AWS::IAM::RolePolicy is the same with one role.
    handlers.setdefault(
        "AWS::IAM::RolePolicy",
        {
            "create": lambda logical_id, properties, stack: inline["create"](
                logical_id, as_policy(properties), stack
            ),
            "update": lambda physical_id, before, after, stack: inline["update"](
                physical_id, as_policy(before), as_policy(after), stack
            ),
            "delete": lambda physical_id, properties: inline["delete"](
                physical_id, as_policy(properties)
            ),
        },
    )


def main() -> None:
    port, concurrency = sys.argv[1:]
    # Functions would run in containers, of which it finds no engine: SnapStart makes no snapshots.
    os.environ.update(GATEWAY_PORT=port, MINISTACK_HOST="127.0.0.1", LAMBDA_EXECUTOR="docker")
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    add_types(int(concurrency))
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "WARNING"
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
