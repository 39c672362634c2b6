"""A key set's document, and which of its keys may have signed a token.

A key is bound to one algorithm, by its type and by what it says of itself (RFC 7517, section 4;
RFC 8725, 3.1). Keys of other kinds are common in a set and no fault of it: they are left alone.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
_BY_KIND: Final = {"OKP Ed25519": "EdDSA", "EC P-256": "ES256", "RSA": "RS256"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BITS: Final = range(2_048, 8_193)
_MAX_KEYS: Final = 100

type VerifyingKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class NotAKeySet(ValueError):
    """A document is no key set, or has no key that can be used."""


class _Unusable(ValueError):
    """A key cannot have signed a token. The text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may have signed tokens: those that name its `kid`, with its `algorithm` alone."""

    kid: str
    algorithm: str
    key: VerifyingKey


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The usable keys of a set, by `kid` and algorithm, and how many were ignored, by why."""

    usable: Mapping[tuple[str, str], PublicKey]
    ignored: Mapping[str, int]


def read_key_set(body: bytes) -> PublicKeys:
    """Read a key set (RFC 7517, section 5). Raises `NotAKeySet`."""
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotAKeySet("is not a JWKS") from None
    if not isinstance(listed, list):
        raise NotAKeySet("is not a JWKS")
    usable: dict[tuple[str, str], PublicKey] = {}
    ignored = Counter[str]()
    for entry in listed[:_MAX_KEYS]:
        try:
            key = _public_key(entry)
        except _Unusable as reason:
            ignored[str(reason)] += 1
            continue
        # Of two under one name the first counts: none that is added can take its place.
        if usable.setdefault((key.kid, key.algorithm), key) is not key:
            ignored["a kid that is there already"] += 1
    if beyond := len(listed) - _MAX_KEYS:
        ignored.update({f"beyond {_MAX_KEYS}": beyond} if beyond > 0 else {})
    if not usable:
        why = f": {', '.join(ignored)}" if ignored else ""
        raise NotAKeySet(f"has no key that signs with {', '.join(ALGORITHMS)}{why}")
    return PublicKeys(usable, ignored)


def _public_key(entry: Any) -> PublicKey:
    if not isinstance(entry, dict):
        raise _Unusable("no object")
    if entry.keys() & _PRIVATE:
        raise _Unusable("private or symmetric")
    kty = entry.get("kty")
    kind = f"{kty} {entry.get('crv')}" if kty != "RSA" else kty
    algorithm = _BY_KIND.get(kind)
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        raise _Unusable("another kind")
    if entry.get("use", "sig") != "sig":
        raise _Unusable("not for signatures")
    uses = entry.get("key_ops", ["verify"])
    if not isinstance(uses, list) or "verify" not in uses:
        raise _Unusable("not for signatures")
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        raise _Unusable("without a kid")
    try:
        key = jwt.PyJWK(entry, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _Unusable("malformed") from None
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        raise _Unusable("RSA of another size than 2,048 to 8,192 bits")
    return PublicKey(kid, algorithm, key)
