"""Whom a request acts for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a request acts for, the language they read, the id that logs share, and what they
    are called where their sign-in says so."""

    user_id: str
    locale: str = "en"
    request_id: str = ""
    name: str = ""
