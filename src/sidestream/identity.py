"""Who is calling: tokens in, a user id out.

Three kinds of token exist, each for one audience: a sign-in service's JWT (EdDSA, ES256 or RS256,
keys by JWKS), which says who a person is, and the two that we sign ourselves (`signing_key`). The
key and the algorithm follow from the configured issuer, never from the token's header (RFC 8725
section 3.1), which only names one of the issuer's keys.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote, unquote

import jwt

from sidestream.issuer import KEYS_STALE_S, Issuer
from sidestream.key_set import KeySet
from sidestream.key_source import read_keys
from sidestream.problems import Forbidden, Unauthorized
from sidestream.public_keys import ALGORITHMS, PublicKey
from sidestream.signing_key import LEEWAY_S, REQUIRED_CLAIMS, SigningKey
from sidestream.token_fault import TokenFault, TokenRefused, fault_of
from sidestream.user_id import UserIds
from sidestream.visible import is_visible

_logger = logging.getLogger(__name__)

TOKEN_HEADER: Final = "x-sidestream-authorization"  # noqa: S105

SUBJECT_CLAIM: Final = "sidestream/subject"
"""In claims: the subject by which the person's sign-in knows them, where it is not the user id."""

_MAX_TOKEN_CHARS = 8_192
_MAX_SUBJECT_CHARS = 255
_MAX_NAME_CHARS = 80

# Control characters, line separators, overrides of the direction, and halves of characters: they
# cannot be stored, or show one person as another. All else is the identity provider's to choose.
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Verifier:
    """Checks bearer tokens against the issuers it was given, and nothing else.

    `stale_s` is for how long an issuer's keys are believed that can no longer be read.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer] = (),
        keys: Iterable[SigningKey] = (),
        *,
        stale_s: float = KEYS_STALE_S,
    ) -> None:
        self._external = {
            issuer.issuer: (issuer, KeySet(partial(read_keys, str(issuer.jwks_url)), stale_s))
            for issuer in issuers
        }
        self._user_ids = UserIds(issuers)
        self._own = {key.issuer: key for key in keys}

    async def prefetch(self) -> None:
        """Read every issuer's keys ahead of the first request, which meets any failure."""
        await asyncio.gather(*(keys.refresh() for _, keys in self._external.values()))

    async def has_keys(self) -> bool:
        """Tell whether every issuer's keys are known, or could be read just now."""
        known = await asyncio.gather(*(keys.is_known() for _, keys in self._external.values()))
        return all(known)

    async def close(self) -> None:
        """Leave off reading keys."""
        await asyncio.gather(*(keys.close() for _, keys in self._external.values()))

    async def user_id(self, token: str) -> str:
        """Give the user id a token speaks for. Raises as `claims` does."""
        user_id: str = (await self.claims(token))["sub"]
        return user_id

    async def claims(self, token: str) -> dict[str, Any]:
        """Give a token's claims, all verified. `sub` is the user id, and `SUBJECT_CLAIM` what the
        person's sign-in calls them, where that is something else. Raises `TokenRefused`, or
        `Unavailable` when an issuer's keys cannot be read."""
        issuer: Issuer | SigningKey | None = None
        try:
            unverified = _unverified(token)
            issuer = self._issuer_of(unverified["payload"])
            if isinstance(issuer, SigningKey):
                return _with_a_subject(await issuer.claims(token))
            return await self._persons_claims(token, unverified["header"], issuer)
        except TokenRefused as refused:
            _log(refused.fault, issuer)
            raise
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            fault = fault_of(error)
            _log(fault, issuer)
            raise TokenRefused(fault=fault) from None

    def _issuer_of(self, payload: Any) -> Issuer | SigningKey:
        name = payload.get("iss")
        if isinstance(name, str):
            if own := self._own.get(name):
                return own
            if external := self._external.get(name):
                return external[0]
        raise TokenRefused(fault=TokenFault.UNKNOWN_ISSUER)

    async def _persons_claims(
        self, token: str, header: Mapping[str, Any], issuer: Issuer
    ) -> dict[str, Any]:
        _, keys = self._external[issuer.issuer]
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or not kid:
            raise TokenRefused(fault=TokenFault.NO_KEY_ID)
        if algorithm not in ALGORITHMS:
            raise TokenRefused(fault=TokenFault.ALGORITHM)
        key = await keys.key(kid, algorithm)
        try:
            claims = _claims_of(token, key, issuer)
        except jwt.InvalidSignatureError:
            key_now = await keys.another(key)
            if key_now is None:
                raise
            claims = _claims_of(token, key_now, issuer)
        subject = _with_a_subject(claims)["sub"]
        user_id = self._user_ids.of(issuer.issuer, subject)
        own = {"sub": user_id, SUBJECT_CLAIM: None if user_id == subject else subject}
        return {**claims, **own}


def name_in(claims: Mapping[str, Any]) -> str:
    """What a person is called (the claim `name`, OpenID Connect Core 5.1), in one line of printable
    characters; empty where nobody says.

    It is what the person wrote, so it is data wherever it goes.
    """
    name = claims.get("name")
    if not isinstance(name, str) or not is_visible(name):
        return ""
    return " ".join(_UNSPEAKABLE.sub(" ", name[: 2 * _MAX_NAME_CHARS]).split())[:_MAX_NAME_CHARS]


def check_owner(named: str, user_id: str, subject: str | None = None) -> None:
    """Raise `Forbidden` unless whom a path names, decoded, is the caller: by their user id, or by
    the subject of their own token, where that is not the id.

    `.` and `..` are steps of a path to every browser, `%2E%2E` too (WHATWG URL, "double-dot URL
    path segment"), so these two come encoded twice.
    """
    for name in (user_id, subject):
        if named == name or (name in (".", "..") and unquote(named) == name):
            return
    raise Forbidden


def path_segment(user_id: str) -> str:
    """Give a user id as the segment of a path that `check_owner` takes for it."""
    quoted = quote(user_id, safe="")
    return quoted.replace(".", "%252E") if user_id in (".", "..") else quoted


def _unverified(token: str) -> dict[str, Any]:
    if len(token) > _MAX_TOKEN_CHARS:
        raise TokenRefused(fault=TokenFault.TOO_LONG)
    return jwt.decode_complete(token, options={"verify_signature": False})


def _claims_of(token: str, key: PublicKey, issuer: Issuer) -> dict[str, Any]:
    """Verify a person's token with a key of its issuer. Raises PyJWT's errors, `TokenRefused`."""
    claims: dict[str, Any] = jwt.decode(
        token,
        key.key,
        algorithms=[key.algorithm],
        issuer=issuer.issuer,
        audience=issuer.audience or None,
        leeway=LEEWAY_S,
        options={
            "require": [*REQUIRED_CLAIMS, *(["aud"] if issuer.audience else [])],
            "verify_aud": bool(issuer.audience),
        },
    )
    if issuer.client_id and claims.get("client_id") not in issuer.client_id:
        raise TokenRefused(fault=TokenFault.CLIENT_ID)
    if issuer.azp and claims.get("azp") not in issuer.azp:
        raise TokenRefused(fault=TokenFault.AZP)
    # A session of Clerk's whose person still has something to do before they are signed in:
    # https://clerk.com/docs/guides/sessions/session-tokens, `sts`.
    if claims.get("sts") == "pending":
        raise TokenRefused(fault=TokenFault.PENDING)
    return claims


def _with_a_subject(claims: dict[str, Any]) -> dict[str, Any]:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_CHARS:
        raise TokenRefused(fault=TokenFault.SUBJECT)
    if _UNSPEAKABLE.search(subject):
        raise TokenRefused(fault=TokenFault.SUBJECT)
    return claims


def _log(fault: TokenFault, issuer: Issuer | SigningKey | None) -> None:
    """Say in the log why a token was refused, and whose it claimed to be if we know them; never
    what else is in it."""
    whose = f" of {issuer.issuer}" if issuer else ""
    _logger.info("token%s refused: %s", whose, fault, extra={"reason": fault.value})


def bearer(authorization: str | None) -> str:
    """Take the token out of an `Authorization` header (RFC 6750 section 2.1)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("An Authorization header with a bearer token is needed.")
    return token.strip()


def bearer_token(headers: Mapping[str, str]) -> str:
    """Give a request's bearer token; header names are lower case.

    Behind SigV4 (a Function URL with `AWS_IAM`, CloudFront's origin access control) `Authorization`
    is AWS's own and the token travels in a header of ours, which therefore comes first.
    """
    return bearer(headers.get(TOKEN_HEADER) or headers.get("authorization"))
