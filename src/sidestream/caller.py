"""Whom a request acts for."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from .time_zone import UTC_ZONE


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a request acts for, the language they read, the id that logs share, what they are
    called where their sign-in says so, the time zone they are in, and the subject by which their
    sign-in knows them, where it is not the user id."""

    user_id: str
    locale: str = "en"
    request_id: str = ""
    name: str = ""
    time_zone: ZoneInfo = UTC_ZONE
    subject: str | None = None
