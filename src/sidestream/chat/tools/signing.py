"""AWS Signature Version 4 for calls to a Function URL with `AWS_IAM`.

The signature takes the `Authorization` header, so the user's token travels in a header of ours
(`identity.TOKEN_HEADER`). Credentials are asked for with each request, because after a restore from
a snapshot they come from an endpoint and are renewed.

Source: "Signature Version 4 for API requests" in the IAM User Guide; the service is `lambda`.
"""

from collections.abc import Generator

import httpx2

from sidestream.config import SettingsError
from sidestream.identity import TOKEN_HEADER

_SIGNED_HEADERS = ("accept", "content-type", TOKEN_HEADER)


class NoCredentials(httpx2.RequestError):
    """There are no AWS credentials to sign with."""


class UrlSigner(httpx2.Auth):
    """Signs each request for the region that the Function URL names.

    Raises `SettingsError` for a URL that is not `<id>.lambda-url.<region>.on.aws`.
    """

    requires_request_body = True

    def __init__(self, url: str) -> None:
        # Only functions that sign need it.
        from botocore.session import Session

        labels = httpx2.URL(url).host.split(".")
        if len(labels) < 3 or labels[1] != "lambda-url":
            raise SettingsError("With TOOLS_MCP_AUTH sigv4, TOOLS_MCP_URL must be a Function URL.")
        self._region = labels[2]
        self._session = Session()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Sign one request, which has `accept` and `content-type`, and may have a token in
        `authorization`."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        if token := request.headers.pop("authorization", None):
            request.headers[TOKEN_HEADER] = token
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentials("there are no AWS credentials", request=request)
        signed = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers={
                name: request.headers[name] for name in _SIGNED_HEADERS if name in request.headers
            },
        )
        SigV4Auth(credentials.get_frozen_credentials(), "lambda", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers))
        yield request
