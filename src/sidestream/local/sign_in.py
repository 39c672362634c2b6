"""The local sign-in: an identity provider as small as one can be.

It publishes one Ed25519 key as a JWKS and signs JWTs for whoever asks on the command line. It has
no route that issues a token, because any page in the browser could call one.
"""

import base64
import json
import time
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidestream.local.emulator.http1 import Exchange, HttpServer
from sidestream.local.keys import LocalKeys
from sidestream.local.sample_events import SAMPLE_JWKS, SAMPLE_JWKS_PATH

ISSUER: Final = "sidestream/local-sign-in"
AUDIENCE: Final = "sidestream"
JWKS_PATH: Final = "/.well-known/jwks.json"
TOKEN_TTL_S: Final = 12 * 3600
_KEY_ID: Final = "local"
_MAX_BODY_BYTES: Final = 65_536


def mint(folder: Path, user_id: str, *, ttl_s: int = TOKEN_TTL_S) -> str:
    """Sign a JWT that the local system of a folder accepts for a user, for `ttl_s` from now."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "iat": now, "exp": now + ttl_s}
    return jwt.encode(claims, _private_key(folder), algorithm="EdDSA", headers={"kid": _KEY_ID})


class SignIn:
    """The server that publishes the key, on any free port of loopback."""

    def __init__(self, folder: Path) -> None:
        public = _private_key(folder).public_key().public_bytes_raw()
        key = {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": _KEY_ID,
            "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
        }
        self._key_sets = {
            JWKS_PATH: json.dumps({"keys": [key]}).encode(),
            SAMPLE_JWKS_PATH: SAMPLE_JWKS,
        }
        self._server = HttpServer(self._serve)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.port}"

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.close()

    async def _serve(self, exchange: Exchange) -> None:
        await exchange.body(_MAX_BODY_BYTES)
        keys = self._key_sets.get(exchange.target)
        if exchange.method == "GET" and keys:
            await exchange.respond(200, [("Content-Type", "application/json")], keys)
        else:
            await exchange.respond(404, [])


def _private_key(folder: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(LocalKeys.of(folder).sign_in_key))
