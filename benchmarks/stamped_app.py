"""An ASGI app whose chunks say when they were sent: the function of `streaming_overhead.py`."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

STAMP_BYTES = 20


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Send `count` chunks of `size` bytes, `pause_us` apart, each led by its time of birth."""
    if scope["type"] != "http":
        raise NotImplementedError
    query = {name: int(values[0]) for name, values in parse_qs(scope["query_string"]).items()}
    count, pause_s = query[b"count"], query[b"pause_us"] / 1e6
    padding = b"." * (query[b"size"] - STAMP_BYTES)
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(count):
        await asyncio.sleep(pause_s)
        # CLOCK_MONOTONIC is one clock for every process of the machine.
        stamp = b"%020d" % time.monotonic_ns()
        await send({"type": "http.response.body", "body": stamp + padding, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
