"""Counts aloud: each number leaves when it is said."""

import asyncio
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Say how far to count in the query: `/?10`. Five unless told, one a second."""
    if scope["type"] != "http":
        raise NotImplementedError
    await receive()
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(1, min(int(scope["query_string"] or 5), 60) + 1):
        event = f"data: {number}\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b""})
