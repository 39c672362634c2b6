"""The function that serves the cities' tools."""

import json
from typing import Any

from tests.local.cities.pack import DOMAIN


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a Function URL's event: its health, or the list of tools."""
    served: dict[str, Any] = {"served": "cities"}
    if event["rawPath"] == "/mcp":
        served = {"jsonrpc": "2.0", "id": 1, "result": {"tools": DOMAIN.entries}}
    headers = {"content-type": "application/json"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(served)}
