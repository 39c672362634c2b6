"""On whose behalf the commands call a deployed API, through whatever stands before it.

CloudFront signs what it passes on to a function's URL. Its signature takes `authorization`, so the
token is in a header of ours as well; and it covers the body by the hash that the sender gives
(AWS: "Restrict access to an AWS Lambda function URL origin").
"""

import hashlib
from collections.abc import Generator

import httpx2

from sidestream.headers import BODY_HASH
from sidestream.identity import TOKEN_HEADER


class Bearer(httpx2.Auth):
    """Sends a token with each request."""

    requires_request_body = True

    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Add the token and the hash of the body."""
        request.headers["authorization"] = self._value
        request.headers[TOKEN_HEADER] = self._value
        request.headers[BODY_HASH] = hashlib.sha256(request.content).hexdigest()
        yield request
