"""Who is calling: tokens in, a user id out; and the two kinds of token we sign ourselves.

Three kinds of token exist, each for one audience. An identity provider's JWT (EdDSA, keys by
JWKS) says who a person is. A session token (HS256, audience `chat`) lets the page talk to the
chat. A tool token (HS256 under another secret, audience `tasks`, 60 s) lets the chat act for that
person on the task tools. The key and the algorithm follow from the configured issuer, never from
the token's header (RFC 8725 section 3.1).
"""

import asyncio
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import jwt
from jwt import PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError

from sidestream.config import Issuer
from sidestream.problems import Forbidden, Unauthorized, Unavailable
from sidestream.reasons import of_error, report
from sidestream.secret import Secret
from sidestream.visible import is_visible

CHAT_AUDIENCE: Final = "chat"
TASKS_AUDIENCE: Final = "tasks"
SESSION_ISSUER: Final = "sidestream/sessions"
TOOL_ISSUER: Final = "sidestream/chat"
TOOL_TOKEN_TTL_S: Final = 60
TOKEN_HEADER: Final = "x-sidestream-authorization"  # noqa: S105

_PART: Final = "keys"

_LEEWAY_S = 10
_MAX_TOKEN_CHARS = 8_192
_MAX_SUBJECT_CHARS = 255
_MAX_NAME_CHARS = 80
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]

# Control characters, line separators, overrides of the direction, and halves of characters: they
# cannot be stored, or show one person as another. All else is the identity provider's to choose.
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret of ours: what it signs (`issuer`, `audience`) and for how long (`ttl_s`)."""

    issuer: str
    audience: str
    secret: Secret
    ttl_s: int

    def mint(self, subject: str, *, secret: str | None = None, **claims: Any) -> tuple[str, int]:
        """Sign a token for a subject, with the current secret if none is given. Gives the token and
        its expiry in epoch seconds."""
        now = int(time.time())
        payload = {
            **claims,
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + self.ttl_s,
        }
        return jwt.encode(payload, secret or self.secret.text, algorithm="HS256"), now + self.ttl_s


def session_key(secret: Secret | str, ttl_s: int) -> SigningKey:
    """The key of session tokens, which the chat routes accept."""
    return SigningKey(SESSION_ISSUER, CHAT_AUDIENCE, Secret.of(secret), ttl_s)


def tool_key(secret: Secret | str) -> SigningKey:
    """The key of tool tokens, which the task tools accept."""
    return SigningKey(TOOL_ISSUER, TASKS_AUDIENCE, Secret.of(secret), TOOL_TOKEN_TTL_S)


class _Jwks:
    """One provider's key set: cached for an hour, fetched in a thread, again for a new `kid`."""

    def __init__(self, issuer: Issuer, tls: ssl.SSLContext | None) -> None:
        # Only the whole set is cached: PyJWT's per-key cache never forgets a revoked key.
        self._client = PyJWKClient(str(issuer.jwks_url), lifespan=3600, timeout=3, ssl_context=tls)

    async def fetched(self, *, refresh: bool = False) -> bool:
        """Tell whether there is a set: the one that is known, or one fetched now."""
        try:
            await asyncio.to_thread(self._client.get_jwk_set, refresh=refresh)
        except (jwt.PyJWTError, ValueError, OSError) as error:
            report(_PART, of_error(error))
            return False
        return True

    async def key(self, kid: str) -> jwt.PyJWK:
        """Raises `PyJWKClientError` for an unknown key, `Unavailable` when there is no key set."""
        cached = self._client.jwk_set_cache and self._client.jwk_set_cache.get()
        if cached:
            for key in cached.keys:
                if key.key_id == kid:
                    return key
        if not await self.fetched():
            raise Unavailable("The sign-in service cannot be reached.")
        try:
            return await asyncio.to_thread(self._client.get_signing_key, kid)
        except PyJWKClientConnectionError as error:
            report(_PART, of_error(error))
            raise Unavailable("The sign-in service cannot be reached.") from None


class Verifier:
    """Checks bearer tokens against the issuers it was given, and nothing else.

    `tls` is how the issuers are reached; without it, a context is made for every fetch.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer] = (),
        keys: Iterable[SigningKey] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._external = {issuer.issuer: (issuer, _Jwks(issuer, tls)) for issuer in issuers}
        self._own = {key.issuer: key for key in keys}

    async def prefetch(self) -> None:
        """Fetch every provider's keys ahead of the first request, which meets any failure."""
        # Also where there is a set: one that was kept in a snapshot may be days old.
        jobs = (jwks.fetched(refresh=True) for _, jwks in self._external.values())
        await asyncio.gather(*jobs, return_exceptions=True)

    async def has_keys(self) -> bool:
        """Tell whether every provider's keys are known, or could be fetched just now."""
        known = await asyncio.gather(*(jwks.fetched() for _, jwks in self._external.values()))
        return all(known)

    async def subject(self, token: str) -> str:
        """Give the user id a token speaks for. Raises `Unauthorized`, or `Unavailable` when the
        provider's keys cannot be fetched."""
        subject: str = (await self.claims(token))["sub"]
        return subject

    async def claims(self, token: str) -> dict[str, Any]:
        """Give a token's claims, all verified; `sub` is a user id. Raises as `subject` does."""
        try:
            claims = await self._claims(token)
        except jwt.ExpiredSignatureError:
            raise Unauthorized("The token has expired.") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthorized("The token is not valid.") from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_CHARS:
            raise Unauthorized("The token is not valid.")
        if _UNSPEAKABLE.search(subject):
            raise Unauthorized("The token is not valid.")
        return claims

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_CHARS:
            raise Unauthorized("The token is not valid.")
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        issuer = unverified["payload"].get("iss")
        options: Any = {"require": _REQUIRED}
        if not isinstance(issuer, str):
            raise Unauthorized("The token is not valid.")
        if own := self._own.get(issuer):
            return await _own_claims(token, own)
        if external := self._external.get(issuer):
            provider, jwks = external
            kid = unverified["header"].get("kid")
            if not isinstance(kid, str) or not kid:
                raise Unauthorized("The token is not valid.")
            return jwt.decode(
                token,
                await jwks.key(kid),
                algorithms=["EdDSA"],
                issuer=provider.issuer,
                audience=provider.audience,
                leeway=_LEEWAY_S,
                options=options,
            )
        raise Unauthorized("The token is not valid.")


def name_in(claims: Mapping[str, Any]) -> str:
    """What a person is called (the claim `name`, OpenID Connect Core 5.1), in one line of printable
    characters; empty where nobody says.

    It is what the person wrote, so it is data wherever it goes.
    """
    name = claims.get("name")
    if not isinstance(name, str) or not is_visible(name):
        return ""
    return " ".join(_UNSPEAKABLE.sub(" ", name[: 2 * _MAX_NAME_CHARS]).split())[:_MAX_NAME_CHARS]


def check_owner(user_id: str, subject: str) -> None:
    """Raise `Forbidden` unless the user id of a path, decoded, is the subject.

    `.` and `..` are steps of a path to every browser, `%2E%2E` too (WHATWG URL, "double-dot URL
    path segment"), so these two come encoded twice.
    """
    if user_id != subject and not (subject in (".", "..") and unquote(user_id) == subject):
        raise Forbidden


def path_segment(user_id: str) -> str:
    """Give a user id as the segment of a path that `check_owner` takes for it."""
    quoted = quote(user_id, safe="")
    return quoted.replace(".", "%252E") if user_id in (".", "..") else quoted


async def _own_claims(token: str, key: SigningKey) -> dict[str, Any]:
    """Verify a token of ours with the secrets that are known, and then with one that replaced them
    meanwhile. Raises PyJWT's errors."""
    known = key.secret.known
    for secret in known:
        with suppress(jwt.InvalidSignatureError):
            return _signed_claims(token, key, secret)
    for secret in await key.secret.others(known):
        with suppress(jwt.InvalidSignatureError):
            return _signed_claims(token, key, secret)
    raise jwt.InvalidSignatureError


def _signed_claims(token: str, key: SigningKey, secret: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        secret,
        algorithms=["HS256"],
        issuer=key.issuer,
        audience=key.audience,
        leeway=_LEEWAY_S,
        options={"require": _REQUIRED},
    )
    return claims


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
