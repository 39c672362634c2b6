"""Whom a request acts for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a request acts for, the language they read and the id that logs share."""

    user_id: str
    locale: str = "en"
    request_id: str = ""
