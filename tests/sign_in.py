"""A sign-in service for tests: signs JWTs as Better Auth does, with its keys over real HTTP."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import HttpUrl

from sidestream.config import Issuer


def public_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, str]:
    """The public half as a JWK, as Better Auth lists it."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": kid, "x": x}


class SignIn:
    """An issuer with one Ed25519 key. `fetches` counts how often its keys were read; `status` and
    `body` replace its answer."""

    def __init__(self, port: int, kid: str = "key-1") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key = Ed25519PrivateKey.generate()
        self.kid = kid
        self.keys = [public_jwk(self.key, kid)]
        self.fetches = 0
        self.status = 200
        self.body: bytes | None = None

    @property
    def issuer(self) -> Issuer:
        """The setting that makes our functions accept this issuer."""
        jwks = HttpUrl(f"{self.url}/api/auth/jwks")
        return Issuer(issuer=self.url, audience=self.url, jwks_url=jwks)

    def claims(self, subject: str, **changes: Any) -> dict[str, Any]:
        """The claims of a good token; a change to `...` removes one."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": self.url,
            "sub": subject,
            "iat": now,
            "exp": now + 900,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not ...}

    def token(self, subject: str, **changes: Any) -> str:
        """A signed JWT for a subject."""
        headers = {"kid": self.kid}
        return jwt.encode(self.claims(subject, **changes), self.key, "EdDSA", headers=headers)


@contextmanager
def sign_in_server() -> Iterator[SignIn]:
    """Run the service on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sign_in.fetches += 1
            body = sign_in.body
            if body is None:
                body = json.dumps({"keys": sign_in.keys}).encode()
            self.send_response(sign_in.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sign_in = SignIn(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sign_in
        finally:
            server.shutdown()
            thread.join()
