"""A sign-in service for tests: signs JWTs as others do, with its keys over real HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from pydantic import HttpUrl

from sidestream.issuer import Issuer

type PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
type Trouble = Callable[[BaseHTTPRequestHandler], None]

# Made once: an RSA key takes a while.
SIGNING_KEYS: Final[dict[str, PrivateKey]] = {
    "EdDSA": Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65_537, 2_048),
}


def public_jwk(key: PrivateKey, kid: str, **changes: Any) -> dict[str, Any]:
    """The public half as a JWK with its algorithm; a change to `...` removes a member."""
    public = key.public_key()
    match public:
        case rsa.RSAPublicKey():
            document = {**RSAAlgorithm.to_jwk(public, as_dict=True), "alg": "RS256"}
        case ec.EllipticCurvePublicKey():
            document = {**ECAlgorithm.to_jwk(public, as_dict=True), "alg": "ES256"}
        case _:
            document = {**OKPAlgorithm.to_jwk(public, as_dict=True), "alg": "EdDSA"}
    document.pop("key_ops", None)
    changed = {**document, "kid": kid, **changes}
    return {name: value for name, value in changed.items() if value is not ...}


@dataclass
class SignIn:
    """An issuer with one key, Ed25519 unless told, of which each token says `kid`. `fetches` counts
    how often its keys were asked for; `status`, `body` and `trouble` replace its answer."""

    port: int
    kid: str = "key-1"
    key: PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    algorithm: str = "EdDSA"
    keys: list[Any] = field(default_factory=list)
    fetches: int = 0
    status: int = 200
    body: bytes | None = None
    trouble: Trouble | None = None

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.keys = [public_jwk(self.key, self.kid)]

    def sign_with(self, key: PrivateKey, kid: str | None = None, **changes: Any) -> None:
        """From now on sign with another key, which is the only one that is published."""
        self.key, self.kid = key, kid or self.kid
        jwk = public_jwk(key, self.kid)
        self.algorithm = jwk["alg"]
        self.keys = [public_jwk(key, self.kid, **changes)]

    @property
    def issuer(self) -> Issuer:
        """The setting that makes our functions accept this issuer."""
        return self.issuer_with(audience=(self.url,))

    def issuer_with(self, **settings: Any) -> Issuer:
        """The same with other settings."""
        jwks = HttpUrl(f"{self.url}/api/auth/jwks")
        return Issuer(**{"issuer": self.url, "jwks_url": jwks, **settings})

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
        claims, headers = self.claims(subject, **changes), {"kid": self.kid}
        return jwt.encode(claims, self.key, self.algorithm, headers=headers)


@contextmanager
def sign_in_server() -> Iterator[SignIn]:
    """Run the service on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sign_in.fetches += 1
            if sign_in.trouble is not None:
                sign_in.trouble(self)
                return
            body = sign_in.body
            if body is None:
                body = json.dumps({"keys": sign_in.keys}).encode()
            self.send_response(sign_in.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # whoever reads hangs up on some of the troubles

    with Server(("127.0.0.1", 0), Handler) as server:
        sign_in = SignIn(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield sign_in
        finally:
            sign_in.trouble = None
            server.shutdown()
            thread.join()
