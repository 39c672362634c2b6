"""One TLS context for every client: making one reads the certificate store, 20 ms each time."""

import ssl
from functools import cache

import httpx2


@cache
def tls_context() -> ssl.SSLContext:
    """Give the process's context. It holds no connection, so a snapshot may be taken with it."""
    return httpx2.create_ssl_context()
