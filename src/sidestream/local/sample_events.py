"""The events of `tests/events`: who they speak for, and how they are made somebody's own.

As they stand they carry a token of `SAMPLE_ISSUER` for alice, whose key signed nothing else and is
gone; only functions that `sam local` starts accept it, so no page that a browser shows can use it.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sidestream.local.keys import LocalKeys
from sidestream.signing_key import tool_key

SAMPLE_ISSUER: Final = "sidestream/sample-events"
SAMPLE_JWKS_PATH: Final = "/.well-known/sample-events.json"
SAMPLE_JWKS: Final = json.dumps(
    {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": "sample",
                "x": "HDBu0ZHnEFYHBltsT2j43ntf8Ep4ExU9BOZSwWizGQQ",
            }
        ]
    }
).encode()

type Event = dict[str, Any]


def of_user(event: Mapping[str, Any], user_id: str, token: str) -> Event:
    """Give an event of a Function URL with a user's token, and their id in its path."""
    changed = deepcopy(dict(event))
    if "authorization" in changed["headers"]:
        changed["headers"]["authorization"] = f"Bearer {token}"
    path = changed["rawPath"].replace("/api/alice/", f"/api/{quote(user_id, safe='')}/", 1)
    changed["rawPath"] = changed["requestContext"]["http"]["path"] = path
    return changed


def saying(event: Mapping[str, Any], message: str) -> Event:
    """Give the event of a plain message with other words."""
    body = json.dumps({"message": message}, ensure_ascii=False)
    headers = {**event["headers"], "content-length": str(len(body.encode()))}
    return {**event, "headers": headers, "body": body, "isBase64Encoded": False}


def tool_token(folder: Path, user_id: str) -> str:
    """A token with which the chat would act for a user on the tools of a folder's system."""
    token, _ = tool_key(LocalKeys.of(folder).tool_signing_key).mint(user_id)
    return token
