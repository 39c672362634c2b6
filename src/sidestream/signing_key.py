"""The two kinds of token that we sign ourselves, each with a secret of its own.

A session token (HS256, audience `chat`) lets the page talk to the chat. A tool token (audience
`tasks`, 60 s) lets the chat act for that person on the task tools. What they call a subject is a
user id.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import jwt

from sidestream.issuer import SESSION_ISSUER, TOOL_ISSUER
from sidestream.secret import Secret

CHAT_AUDIENCE: Final = "chat"
TASKS_AUDIENCE: Final = "tasks"
TOOL_TOKEN_TTL_S: Final = 60
LEEWAY_S: Final = 10
REQUIRED_CLAIMS: Final = ("exp", "iat", "iss", "sub")


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

    async def claims(self, token: str) -> dict[str, Any]:
        """Give the claims of a token that this key signed: with a secret that is known, or with one
        that replaced it meanwhile. Raises PyJWT's errors."""
        known = self.secret.known
        for secret in known:
            with suppress(jwt.InvalidSignatureError):
                return self._signed_claims(token, secret)
        for secret in await self.secret.others(known):
            with suppress(jwt.InvalidSignatureError):
                return self._signed_claims(token, secret)
        raise jwt.InvalidSignatureError

    def _signed_claims(self, token: str, secret: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_S,
            options={"require": [*REQUIRED_CLAIMS, "aud"]},
        )
        return claims


def session_key(secret: Secret | str, ttl_s: int) -> SigningKey:
    """The key of session tokens, which the chat routes accept."""
    return SigningKey(SESSION_ISSUER, CHAT_AUDIENCE, Secret.of(secret), ttl_s)


def tool_key(secret: Secret | str) -> SigningKey:
    """The key of tool tokens, which the task tools accept."""
    return SigningKey(TOOL_ISSUER, TASKS_AUDIENCE, Secret.of(secret), TOOL_TOKEN_TTL_S)
