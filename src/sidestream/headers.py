"""The names of the HTTP headers that are ours, or that more than one part of us reads."""

from typing import Final

REQUEST_ID: Final = "x-request-id"
TIME_ZONE: Final = "x-sidestream-time-zone"
BODY_HASH: Final = "x-amz-content-sha256"
"""The body's SHA-256 in hexadecimal, which CloudFront signs (`sidestream.cli.bearer`)."""
RUN_ID: Final = "x-sidestream-run-id"
THREAD_ID: Final = "x-sidestream-thread-id"
RETRY_AFTER: Final = "retry-after"
SERVER_TIMING: Final = "server-timing"

CHAT_EXPOSES: Final = (RETRY_AFTER, SERVER_TIMING, REQUEST_ID, RUN_ID, THREAD_ID)
"""What a page of another origin may read of the chat's answers."""
TOOLS_EXPOSE: Final = (RETRY_AFTER, REQUEST_ID)
"""What it may read of the answers of a domain's function."""
