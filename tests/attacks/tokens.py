"""The family of attacks with tokens: what somebody without a key of the sign-in can send.

The lists are those of RFC 8725 (JWT best current practices), ASVS 5.0 V9 (self-contained tokens)
and of what libraries were found to take: no signature, HMAC with a public key, keys that a token
brings along, one kind of key for another, names of keys as paths, claims of wrong types.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidestream.issuer import SESSION_ISSUER, TOOL_ISSUER
from sidestream.signing_key import CHAT_AUDIENCE, TASKS_AUDIENCE
from tests.sign_in import PrivateKey, SignIn, public_jwk
from tests.tokens import hs256, part, signed

type Attack = tuple[str, str]
"""A name, and a token."""

STRANGERS: Final[dict[str, PrivateKey]] = {
    "EdDSA": Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65_537, 2_048),
}
"""Keys that no sign-in has."""

_NO_ALGORITHMS: Final[tuple[Any, ...]] = (
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    " none",
    None,
    0,
    [],
    {},
)
_OTHER_ALGORITHMS: Final[dict[str, tuple[Any, ...]]] = {
    "EdDSA": ("ES256", "RS256", "HS256", "Ed25519", "Ed448", "eddsa", "EDDSA", "EdDSA ", None),
    "ES256": ("EdDSA", "RS256", "HS256", "ES384", "ES512", "ES256K", "es256", ["ES256"], None),
    "RS256": ("EdDSA", "ES256", "HS256", "RS384", "RS512", "PS256", "rs256", "RSA-OAEP", None),
}
_KIDS: Final[tuple[Any, ...]] = (
    *(None, "", " ", 0, 1, True, [], {}, "unknown", "*", "%", ".", "null"),
    *("../../../../dev/null", "/dev/null", "file:///dev/null", "https://evil.example/key"),
    *("' or '1'='1", "x' union select 'secret' --", "|id", "$(id)", "{{7*7}}", "\x00", "x" * 4_000),
)
_WRONG_CLAIMS: Final[dict[str, tuple[Any, ...]]] = {
    "iss": (..., None, "", 7, True, ["x"], {}, "https://evil.example", SESSION_ISSUER, TOOL_ISSUER),
    "aud": (..., None, "", 7, True, [], [""], [None], {}, "*", "evil", ["evil"], CHAT_AUDIENCE),
    "sub": (..., None, "", 7, True, [], ["alice"], {}, "x" * 256, "a\x00", "a\nb", "a\u202eb"),
    "exp": (..., None, "", "soon", "9999999999x", [], {}, 0, -1, 1, float("nan"), float("inf")),
    "iat": (..., None, "", "now", [], {}, 99_999_999_999, float("inf")),
    "nbf": ("", "now", [], {}, 99_999_999_999, float("inf")),
}


def forged(service: SignIn) -> Iterator[Attack]:
    """Give every attack in the name of a service, by those who do not have its key."""
    yield from _unsigned(service)
    yield from _hmac(service)
    yield from _of_strangers(service)
    yield from _changed(service)
    yield from _garbage(service)


def misused(service: SignIn) -> Iterator[Attack]:
    """Give tokens that the service did sign, and that are not for us or say what may not be."""
    key, algorithm = service.key, service.algorithm
    good = {"alg": algorithm, "kid": service.kid}
    for name, values in _WRONG_CLAIMS.items():
        for value in values:
            claims = service.claims("alice", **{name: value})
            yield f"{name} of {value!r:.20}", signed(good, claims, key, algorithm)
    for other in (f"{service.url}/", service.url.upper(), f" {service.url}", f"{service.url}#"):
        yield f"iss {other}", service.token("alice", iss=other)
        yield f"aud {other}", service.token("alice", aud=other)
    now = int(time.time())
    yield "expired", service.token("alice", iat=now - 900, exp=now - 60)
    yield "as a session", service.token("alice", iss=SESSION_ISSUER, aud=CHAT_AUDIENCE)
    yield "as the chat", service.token("alice", iss=TOOL_ISSUER, aud=TASKS_AUDIENCE)
    for value in _OTHER_ALGORITHMS[algorithm]:
        header = {**good, "alg": value}
        yield f"alg {value!r}", signed(header, service.claims("alice"), key, algorithm)
    for value in _KIDS:
        header = {**good, "kid": value}
        yield f"kid {value!r:.20}", signed(header, service.claims("alice"), key, algorithm)
    critical: tuple[dict[str, Any], ...] = (
        *({"crit": ["exp"]}, {"crit": ["b64"], "b64": False}),
        *({"crit": []}, {"crit": "x"}),
    )
    for extra in critical:
        yield f"crit {extra}", signed({**good, **extra}, service.claims("alice"), key, algorithm)
    yield "long", service.token("alice", padding="x" * 8_000)
    for value in ("[]", '"x"', "7", "null", "true"):
        yield f"claims are {value}", signed(good, value.encode(), key, algorithm)
    twice = json.dumps(service.claims("alice"))[:-1] + ', "iss": "https://evil.example"}'
    yield "iss twice", signed(good, twice.encode(), key, algorithm)


def without(claim: str, service: SignIn, **claims: Any) -> Iterator[Attack]:
    """Give tokens of a service that are for somebody else by `claim`, which stands for `aud`."""
    good = claims[claim]
    for value in (..., None, "", 7, True, [], [good], {}, {good: True}, "evil", f"{good} ", "*"):
        yield f"{claim} {value!r:.20}", service.token("alice", **{**claims, claim: value})
    yield f"{claim} as aud", service.token("alice", **{**claims, claim: ..., "aud": good})
    yield f"{claim} by another", service.token("alice", **{**claims, "iss": "https://evil.example"})


def _unsigned(service: SignIn) -> Iterator[Attack]:
    for algorithm in _NO_ALGORITHMS:
        for header in ({"alg": algorithm}, {"alg": algorithm, "kid": service.kid}):
            text = f"{part(header)}.{part(service.claims('alice'))}"
            yield f"unsigned {header}", f"{text}."
            yield f"unsigned with something {header}", f"{text}.{part(b'x' * 64)}"
    yield "no alg", f"{part({'kid': service.kid})}.{part(service.claims('alice'))}."


def _hmac(service: SignIn) -> Iterator[Attack]:
    public = service.key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = service.keys[0]
    numbers = [str(jwk[name]) for name in ("x", "y", "n") if name in jwk]
    secrets = [der, pem, pem.strip(), json.dumps(jwk).encode(), b"", b"\x00", b"secret", b"null"]
    secrets += [text.encode() for text in numbers]
    secrets += [jwt.utils.base64url_decode(text) for text in numbers]
    hashes = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    for name, digest in hashes.items():
        for place, secret in enumerate(secrets):
            header = {"alg": name, "kid": service.kid}
            claims = service.claims("alice")
            yield f"{name} with secret {place}", hs256(header, claims, secret, digest)


def _of_strangers(service: SignIn) -> Iterator[Attack]:
    for algorithm, key in STRANGERS.items():
        jwk = public_jwk(key, "evil")
        brought: dict[str, dict[str, Any]] = {
            "nothing": {},
            "jwk": {"jwk": jwk},
            "jku": {"jku": "https://evil.example/jwks.json"},
            "x5u": {"x5u": "https://evil.example/cert.pem"},
            "x5c": {"x5c": ["MIIB"]},
            "jwk named as theirs": {"jwk": {**jwk, "kid": service.kid}},
        }
        for name, extra in brought.items():
            for kid in (service.kid, "evil"):
                header = {"alg": algorithm, "kid": kid, **extra}
                token = signed(header, service.claims("alice"), key, algorithm)
                yield f"{algorithm} of a stranger, {name}, {kid}", token


def _changed(service: SignIn) -> Iterator[Attack]:
    head, payload, signature = service.token("alice").split(".")
    raw = jwt.utils.base64url_decode(signature)
    changed = {
        "none": b"",
        "nothing but zeros": bytes(len(raw)),
        "ones": b"\xff" * len(raw),
        "half": raw[: len(raw) // 2],
        "one byte less": raw[:-1],
        "one byte more": raw + b"\x00",
        "twice": raw * 2,
        "turned round": raw[::-1],
        "one": (1).to_bytes(len(raw)),
    }
    for place in range(0, len(raw), max(1, len(raw) // 16)):
        flipped = bytearray(raw)
        flipped[place] ^= 1
        changed[f"a bit of byte {place}"] = bytes(flipped)
    for name, value in changed.items():
        yield f"signature: {name}", f"{head}.{payload}.{part(value)}"
    for change in ({"sub": "bob"}, {"aud": "evil"}, {"exp": 9_999_999_999}):
        claims = part(service.claims("alice", **change))
        yield f"another {change}", f"{head}.{claims}.{signature}"
    yield "another header", f"{part({'alg': service.algorithm, 'kid': 'x'})}.{payload}.{signature}"


def _garbage(service: SignIn) -> Iterator[Attack]:
    head, payload, signature = service.token("alice").split(".")
    deep = part(b"[" * 4_000)
    yield from {
        "dots": "..",
        "many dots": "." * 5_000,
        "two parts": f"{head}.{payload}",
        "four parts": f"{head}.{payload}.{signature}.{signature}",
        "five parts, as if encrypted": f"{head}.{payload}.{signature}.{payload}.{signature}",
        "deep header": f"{deep}.{payload}.{signature}",
        "deep claims": f"{head}.{deep}.{signature}",
        "no base64": "!!!.???.***",
        "binary": f"{part(bytes(range(256)))}.{payload}.{signature}",
        "header of null": f"{part(b'null')}.{payload}.{signature}",
        "header of a list": f"{part(b'[]')}.{payload}.{signature}",
        "the JSON form": json.dumps({"protected": head, "payload": payload, "signature": "x"}),
        "an opaque token": "v2.local.an-opaque-token-of-another-kind",
        "turned round": f"{payload}.{head}.{signature}",
        "a wrapped token": f"{head}.{part(service.token('alice').encode())}.{signature}",
    }.items()
