"""The cross-origin rules of a Function URL.

Lambda answers a preflight from these rules without invoking the function, and adds its headers to
every other response alongside whatever the function sent. A function that sends its own
`access-control-*` headers as well therefore produces duplicates that browsers refuse; that is
reproduced here, because hiding it would only move the discovery to production.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Headers = list[tuple[str, str]]

_METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"})
_MAX_AGE_LIMIT_S = 86_400


@dataclass(frozen=True, slots=True)
class Cors:
    """`Cors` of `AWS::Lambda::Url`; `max_age_s` is its `MaxAge`.

    Raises `ValueError` for values that Lambda refuses at deployment: `OPTIONS` among the methods,
    several values in one item, a `max_age_s` outside 0 to 86400.
    """

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age_s: int = 0

    def __post_init__(self) -> None:
        for method in self.allow_methods:
            if method not in _METHODS:
                raise ValueError(f"Lambda does not accept {method!r} in AllowMethods")
        for item in (*self.allow_origins, *self.allow_headers, *self.expose_headers):
            if "," in item or not item.strip():
                raise ValueError(f"one value per item, not {item!r}")
        if not 0 <= self.max_age_s <= _MAX_AGE_LIMIT_S:
            raise ValueError("MaxAge is between 0 and 86400 seconds")

    def preflight(self, method: str, headers: Mapping[str, str]) -> Headers | None:
        """Headers that answer a preflight, or None when the request is not one.

        `headers` has lower-case names. An origin, method or header outside the rules is answered
        too, only without leave: the browser does the refusing.
        """
        requested = headers.get("access-control-request-method")
        if method != "OPTIONS" or "origin" not in headers or requested is None:
            return None
        answer = self.response_headers(headers)
        if not answer or not _matches(requested, self.allow_methods):
            return []
        wanted = headers.get("access-control-request-headers", "")
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        if not all(_matches(name.lower(), _lowered(self.allow_headers)) for name in names):
            return []
        answer.append(("Access-Control-Allow-Methods", ",".join(self.allow_methods)))
        if self.allow_headers:
            answer.append(("Access-Control-Allow-Headers", ",".join(self.allow_headers)))
        if self.max_age_s:
            answer.append(("Access-Control-Max-Age", str(self.max_age_s)))
        return answer

    def response_headers(self, headers: Mapping[str, str]) -> Headers:
        """Headers added to a response to a request with these (lower-case) headers."""
        origin = headers.get("origin")
        if origin is None or not _matches(origin, self.allow_origins):
            return []
        # A wildcard together with credentials is void in browsers, so the origin is named.
        shared = "*" in self.allow_origins and not self.allow_credentials
        answer = [("Access-Control-Allow-Origin", "*" if shared else origin)]
        if not shared:
            answer.append(("Vary", "Origin"))
        if self.expose_headers:
            answer.append(("Access-Control-Expose-Headers", ",".join(self.expose_headers)))
        if self.allow_credentials:
            answer.append(("Access-Control-Allow-Credentials", "true"))
        return answer


def _matches(value: str, allowed: tuple[str, ...]) -> bool:
    return "*" in allowed or value in allowed


def _lowered(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value.lower() for value in values)
