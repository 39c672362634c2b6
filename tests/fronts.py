"""A CloudFront with origin access control before a Function URL, as far as a client can tell.

What it does with a request (AWS: "Restrict access to an AWS Lambda function URL origin"): its
signature takes the `authorization` header, and covers the body by the hash in
`x-amz-content-sha256`, of nothing where there is none. The URL refuses what was signed otherwise.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.asgi_server import serve

SIGNATURE = "AWS4-HMAC-SHA256 Credential=front, SignedHeaders=host, Signature=0"
_HOP = ("connection", "host", "transfer-encoding", "content-length")


@asynccontextmanager
async def cloudfront(origin: str, *, silence_s: float) -> AsyncIterator[str]:
    """Stand before an origin, and give the address. An origin that is silent is given up on."""
    timeout = httpx2.Timeout(30, read=silence_s)
    async with httpx2.AsyncClient(base_url=origin, timeout=timeout, trust_env=False) as client:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await (await _passed(client, Request(scope, receive)))(scope, receive, send)

        async with serve(app) as url:
            yield url


async def _passed(client: httpx2.AsyncClient, request: Request) -> Response:
    body = await request.body()
    headers = {name: text for name, text in request.headers.items() if name not in _HOP}
    signed = headers.get("x-amz-content-sha256", hashlib.sha256(b"").hexdigest())
    if signed != hashlib.sha256(body).hexdigest():
        return JSONResponse({"message": "The request signature does not match."}, 403)
    headers["authorization"] = SIGNATURE
    passed = client.build_request(
        request.method,
        f"{request.url.path}?{request.url.query}",
        headers=headers,
        content=body,
    )
    answer = await client.send(passed, stream=True)
    kept = {name: text for name, text in answer.headers.items() if name not in _HOP}
    return StreamingResponse(_pieces(answer), answer.status_code, kept)


async def _pieces(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await asyncio.shield(answer.aclose())
