"""Which keys of a set may have signed a token, and what is odd in sets that others publish."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from sidestream.public_keys import ALGORITHMS, NotAKeySet, read_key_set
from tests.sign_in import SIGNING_KEYS, public_jwk

GOOD = {name: public_jwk(key, name) for name, key in SIGNING_KEYS.items()}
RSA, EC, ED = GOOD["RS256"], GOOD["ES256"], GOOD["EdDSA"]


def small_rsa() -> dict[str, Any]:
    return public_jwk(rsa.generate_private_key(65_537, 1_024), "odd")  # noqa: S505


def private() -> dict[str, Any]:
    key = Ed25519PrivateKey.generate()
    return {**OKPAlgorithm.to_jwk(key, as_dict=True), "kid": "odd", "alg": "EdDSA"}


def of_curve(curve: ec.EllipticCurve) -> dict[str, Any]:
    public = ec.generate_private_key(curve).public_key()
    return {**ECAlgorithm.to_jwk(public, as_dict=True), "kid": "odd"}


ODD: dict[str, Any] = {
    "a text": "key",
    "nothing": None,
    "a list": [],
    "empty": {},
    "another type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "odd"},
    "a type that is no text": {**RSA, "kid": "odd", "kty": ["RSA"]},
    "a curve that is no text": {**ED, "kid": "odd", "crv": {}},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "odd"},
    "private": private(),
    "private parts beside it": {**RSA, "kid": "odd", "d": "AQAB"},
    "P-384": of_curve(ec.SECP384R1()),
    "secp256k1": of_curve(ec.SECP256K1()),
    "Ed448": {
        **OKPAlgorithm.to_jwk(Ed448PrivateKey.generate().public_key(), as_dict=True),
        "kid": "odd",
    },
    "for encryption": {**RSA, "kid": "odd", "use": "enc"},
    "a use that is no text": {**RSA, "kid": "odd", "use": ["sig"]},
    "to wrap keys": {**RSA, "kid": "odd", "key_ops": ["wrapKey"]},
    "to sign": {**EC, "kid": "odd", "key_ops": ["sign"]},
    "operations in a text": {**EC, "kid": "odd", "key_ops": "verify"},
    "RSA for RS512": {**RSA, "kid": "odd", "alg": "RS512"},
    "RSA for PS256": {**RSA, "kid": "odd", "alg": "PS256"},
    "RSA for encryption": {**RSA, "kid": "odd", "alg": "RSA-OAEP"},
    "RSA for HS256": {**RSA, "kid": "odd", "alg": "HS256"},
    "RSA for none": {**RSA, "kid": "odd", "alg": "none"},
    "an algorithm of null": {**RSA, "kid": "odd", "alg": None},
    "Ed25519 for ES256": {**ED, "kid": "odd", "alg": "ES256"},
    "a small RSA key": small_rsa(),
    "an exponent of 1": {**RSA, "kid": "odd", "e": "AQ"},
    "a point that is not on the curve": {**EC, "kid": "odd", "y": EC["x"]},
    "half a point": {key: value for key, value in EC.items() if key != "y"} | {"kid": "odd"},
    "a key that is too short": {**ED, "kid": "odd", "x": "AAAA"},
    "no base64": {**ED, "kid": "odd", "x": "\ud800"},
    "no kid": {key: value for key, value in RSA.items() if key != "kid"},
    "an empty kid": {**RSA, "kid": ""},
    "a kid that is a number": {**RSA, "kid": 7},
}


def document(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_key_is_left_alone_and_the_others_count(odd: str) -> None:
    found = read_key_set(document(ODD[odd], RSA, EC, ED))
    assert set(found.usable) == {(name, name) for name in ALGORITHMS}
    assert sum(found.ignored.values()) == 1


@pytest.mark.parametrize("odd", ODD)
def test_alone_it_makes_no_key_set(odd: str) -> None:
    with pytest.raises(NotAKeySet):
        read_key_set(document(ODD[odd]))


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(
    "change",
    [{"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {"x5c": ["MIIB"]}],
)
def test_a_key_without_an_algorithm_has_that_of_its_type(name: str, change: dict[str, Any]) -> None:
    bare = {key: value for key, value in GOOD[name].items() if key != "alg"} | change
    assert set(read_key_set(document(bare)).usable) == {(name, name)}


def test_of_two_under_one_name_the_first_counts() -> None:
    other = public_jwk(Ed25519PrivateKey.generate(), "EdDSA")
    found = read_key_set(document(ED, other, ED))
    assert found.usable["EdDSA", "EdDSA"].key == SIGNING_KEYS["EdDSA"].public_key()
    assert sum(found.ignored.values()) == 2


def test_one_name_may_stand_for_a_key_of_each_kind() -> None:
    found = read_key_set(document(*({**key, "kid": "one"} for key in GOOD.values())))
    assert set(found.usable) == {("one", name) for name in ALGORITHMS}


def test_what_is_beyond_a_hundred_is_not_looked_at() -> None:
    many = [{**ED, "kid": f"key-{number}"} for number in range(103)]
    found = read_key_set(document(*many))
    assert len(found.usable) == 100
    assert sum(found.ignored.values()) == 3


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"<html>", b"[]", b"null", b"7", b'"keys"', b"{}", b'{"keys": {}}'),
        *(b'{"keys": null}', b'{"keys": "k"}', b'{"keys": []}', b'{"keys": [{}]}', b"[" * 100_000),
        json.dumps(RSA).encode(),
    ],
)
def test_what_is_no_key_set(body: bytes) -> None:
    with pytest.raises(NotAKeySet):
        read_key_set(body)


def test_the_keys_are_those_of_the_set() -> None:
    found = read_key_set(document(RSA))
    assert found.usable["RS256", "RS256"].key == RSAAlgorithm.from_jwk(RSA)
