# ruff: noqa: T201 - what a function prints is its log
"""Handlers for AWS's own runtime client."""

import json
import os
import sys
from typing import Any

Event = dict[str, Any]


def echo(event: Event, context: Any) -> Event:
    print(json.dumps({"_aws": {"Timestamp": 0}, "request_id": context.aws_request_id}))
    seen = {
        "event": event,
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "pid": os.getpid(),
        "client": sys.modules["runtime_client"].__file__,
    }
    return {
        "statusCode": 201,
        "headers": {"x-answer": "42"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": json.dumps(seen),
    }


def fail(_event: Event, _context: Any) -> None:
    raise ValueError("not today: آج نہیں")
