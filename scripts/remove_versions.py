"""Deletes the versions of a stack's functions that nobody goes back to: SnapStart bills each.

    scripts/remove_versions.py --stack-name sidestream [--region REGION] [--keep 2] [--dry-run]

Of each function the versions stay that an alias serves, all newer ones, and before them as many as
make `--keep` with the oldest that is served. Safe to run twice, and to break off.

Its place is before a release: what serves then is what one goes back to. Afterwards nothing tells
the version that served from those that a failed release published, or somebody went back from.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

KEEP = 2


def superfluous(versions: Sequence[str], served: Sequence[str], keep: int) -> list[str]:
    """Give which of a function's versions may go, oldest first, by the versions that its aliases
    lead to. None may where no alias leads to a version."""
    numbers = sorted(int(version) for version in versions if version.isdigit())
    oldest = min((int(version) for version in served if version.isdigit()), default=0)
    before = [number for number in numbers if number < oldest]
    return [str(number) for number in before[: max(0, len(before) - (keep - 1))]]


def remove(stack: str, region: str | None, keep: int, *, dry_run: bool) -> Iterator[str]:
    """Delete, and give a sentence for each version. Raises `ClientError`, `BotoCoreError`, and
    `ValueError` for a stack that is being changed, or could not be: it may want any version."""
    formation = boto3.client("cloudformation", region_name=region)
    functions = boto3.client("lambda", region_name=region)
    status = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    if not status.endswith("_COMPLETE") or "CLEANUP" in status:
        raise ValueError(f"{stack} is {status}. Nothing is deleted until it is complete.")
    for page in formation.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::Lambda::Function":
                yield from _remove_of(functions, resource["PhysicalResourceId"], keep, dry_run)


def _remove_of(client: Any, name: str, keep: int, dry_run: bool) -> Iterator[str]:
    # The aliases are asked for last: one that moves meanwhile moves to what is newer.
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    versions = [each["Version"] for page in pages for each in page["Versions"]]
    served: list[str] = []
    for page in client.get_paginator("list_aliases").paginate(FunctionName=name):
        for alias in page["Aliases"]:
            served.append(alias["FunctionVersion"])
            served += alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    for version in superfluous(versions, served, keep):
        if not dry_run:
            try:
                client.delete_function(FunctionName=name, Qualifier=version)
            except client.exceptions.ResourceNotFoundException:
                continue  # somebody else was here
        yield f"{name}: version {version} {'would go' if dry_run else 'is deleted'}"


def main() -> int:
    """Delete and say what. Gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--region")
    parser.add_argument("--keep", type=int, default=KEEP, help="how many stay, at least 1")
    parser.add_argument("--dry-run", action="store_true", help="say which, delete none")
    given = parser.parse_args()
    if given.keep < 1:
        parser.error("--keep is at least 1: the version that serves stays")
    try:
        for line in remove(given.stack_name, given.region, given.keep, dry_run=given.dry_run):
            print(line, flush=True)
    except (ClientError, BotoCoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
