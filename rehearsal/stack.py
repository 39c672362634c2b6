"""A deployed stack, as the account tells of it."""

from dataclasses import dataclass
from typing import Any

from rehearsal.account import Account

type Document = dict[str, Any]

ALIAS = "live"


@dataclass(frozen=True)
class Stack:
    """A deployed stack: the parameters in force, its outputs and its resources by type."""

    account: Account
    name: str
    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    resources: list[Document]

    @classmethod
    def of(cls, account: Account, name: str) -> "Stack":
        """Look a stack up."""
        formation = account.client("cloudformation")
        [found] = formation.describe_stacks(StackName=name)["Stacks"]
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=name)
        return cls(
            account,
            name,
            found["StackStatus"],
            {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
            [each for page in pages for each in page["StackResourceSummaries"]],
        )

    @property
    def front(self) -> str:
        """What stands before the functions: `RestFront`, `CloudFront` or nothing."""
        return next((name for name in ("RestFront", "CloudFront") if self.on(name)), "")

    def ids(self, kind: str) -> list[str]:
        """The physical ids of the resources of a type."""
        return [
            each["PhysicalResourceId"] for each in self.resources if each["ResourceType"] == kind
        ]

    def id_of(self, logical_id: str) -> str:
        """The physical id of a resource."""
        [found] = [each for each in self.resources if each["LogicalResourceId"] == logical_id]
        physical_id: str = found["PhysicalResourceId"]
        return physical_id

    def arn_of(self, logical_id: str) -> str:
        """The ARN of a function, without a version."""
        found = self.account.client("lambda").get_function_configuration(
            FunctionName=self.id_of(logical_id)
        )
        arn: str = found["FunctionArn"]
        return arn

    def on(self, parameter: str) -> bool:
        """Whether an option of "true" and "false" is chosen."""
        return self.parameters[parameter] == "true"


def reasons(account: Account, name: str) -> list[str]:
    """Why resources failed, the first one first."""
    events = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
        for each in reversed(events)
        if each["ResourceStatus"].endswith("_FAILED")
    ] or ["no reason is told"]


def live_version(account: Account, function: str) -> str:
    """The version that an alias sends its traffic to."""
    alias = account.client("lambda").get_alias(FunctionName=function, Name=ALIAS)
    version: str = alias["FunctionVersion"]
    return version


def versions(account: Account, function: str) -> set[str]:
    """The versions that were published and are there."""
    listed = account.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
    return {each["Version"] for each in listed} - {"$LATEST"}


def allowed(account: Account, role: str, action: str, resource: str) -> bool:
    """Tell whether a role may do it: what IAM itself says, which reads wildcards and denials."""
    [result] = account.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )["EvaluationResults"]
    allowed: bool = result["EvalDecision"] == "allowed"
    return allowed
