"""Tokens that no library would sign: any header, any claims, any key."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt


def part(document: Any) -> str:
    """A part of a token: a document, or bytes as they are."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: Any, key: Any, algorithm: str) -> str:
    """A token signed with a key by an algorithm, whatever its header says."""
    text = f"{part(header)}.{part(claims)}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(text.encode(), key)
    return f"{text}.{part(signature)}"


def hs256(header: dict[str, Any], claims: Any, secret: bytes, digest: Any = hashlib.sha256) -> str:
    """A token with an HMAC of any secret, also of one that PyJWT refuses."""
    text = f"{part({'typ': 'JWT', **header})}.{part(claims)}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), digest))}"
