"""A session, and the issuer of our own.

A session's client secret is a token of ours, short-lived and good for the chat alone. It can be
refreshed while it is valid, up to an absolute age counted from the sign-in, which the token itself
carries as `auth_time`: nothing is kept on the server. The person's name and time zone travel with
it, if their sign-in gave them, and what it calls them, if that is not their user id.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sidestream.identity import SUBJECT_CLAIM, name_in
from sidestream.problems import Unauthorized
from sidestream.signing_key import SigningKey
from sidestream.store.ids import new_id
from sidestream.time_zone import CLAIM, time_zone


@dataclass(frozen=True, slots=True)
class Session:
    """What the page gets. `expires_at` is in epoch seconds, as in OpenAI's own sessions."""

    client_secret: str
    session_id: str
    expires_at: int


class Issuer(Protocol):
    """Makes sessions."""

    async def create(self, claims: Mapping[str, Any], /) -> Session:
        """Start a session for a person who has just shown who they are: a token's verified
        claims."""
        ...

    async def refresh(self, claims: Mapping[str, Any], /) -> Session:
        """Go on with the session whose verified claims these are. Raises `Unauthorized`."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class SelfHostedIssuer:
    """Signs session tokens. `max_age_s` is how long refreshing works before a new sign-in."""

    def __init__(self, key: SigningKey, max_age_s: int) -> None:
        self._key = key
        self._max_age_s = max_age_s

    async def create(self, claims: Mapping[str, Any]) -> Session:
        return self._issue(claims, new_id("ses"), int(time.time()))

    async def refresh(self, claims: Mapping[str, Any]) -> Session:
        session_id, auth_time = claims.get("sid"), claims.get("auth_time")
        if not isinstance(session_id, str) or not isinstance(auth_time, int):
            raise Unauthorized("The token is not valid.")
        return self._issue(claims, session_id, auth_time)

    async def close(self) -> None:
        """Nothing is open."""

    def _issue(self, claims: Mapping[str, Any], session_id: str, auth_time: int) -> Session:
        left_s = auth_time + self._max_age_s - int(time.time())
        if left_s <= 0:
            raise Unauthorized("The session is too old. Sign in again.")
        key = replace(self._key, ttl_s=min(self._key.ttl_s, left_s))
        known = {"name": name} if (name := name_in(claims)) else {}
        if CLAIM in claims:
            known[CLAIM] = time_zone(claims[CLAIM]).key
        if subject := claims.get(SUBJECT_CLAIM):
            known[SUBJECT_CLAIM] = subject
        token, expires_at = key.mint(claims["sub"], sid=session_id, auth_time=auth_time, **known)
        return Session(token, session_id, expires_at)
