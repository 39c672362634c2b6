"""Due dates as people say them, for the few forms that need no guessing."""

import re
from datetime import datetime, timedelta

_DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "آج": 0, "کل": 1, "پرسوں": 2}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DEFAULT_HOUR = 9

# A date at the end of a title; the languages put it into their own patterns.
DATE = (
    r"(?:\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2})?|today|tonight|tomorrow|(?:next |on )?(?:"
    + "|".join(_WEEKDAYS)
    + r")|in \d{1,3} days?|آج|کل|پرسوں)(?: at \d{1,2}(?::\d{2})? ?(?:am|pm)?)?"
)
_READ = re.compile(
    r"(?:(?:on|by|due|before) )*(?P<day>.+?)"
    r"(?: at (?P<hour>\d{1,2})(?::(?P<minute>\d{2}))? ?(?P<half>am|pm)?)?"
    r"(?: تک)?"
)


def read_due(text: str, now: datetime) -> str | None:
    """The folded text as an RFC 3339 time in the zone of `now`, or None when it is no date."""
    match = _READ.fullmatch(text.strip())
    if match is None:
        return None
    day = match["day"]
    try:
        moment = _day(day, now)
        if match["hour"]:
            hour = int(match["hour"])
            if match["half"]:
                hour = hour % 12 + (12 if match["half"] == "pm" else 0)
            moment = moment.replace(hour=hour, minute=int(match["minute"] or 0))
    except ValueError:
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _day(day: str, now: datetime) -> datetime:
    if "-" in day:
        moment = datetime.fromisoformat(day)
        if len(day) == len("2026-01-01"):
            moment = moment.replace(hour=_DEFAULT_HOUR)
        return moment.replace(tzinfo=now.tzinfo)
    start = now.replace(hour=_DEFAULT_HOUR, minute=0, second=0, microsecond=0)
    if day in _DAYS:
        return start + timedelta(days=_DAYS[day])
    if match := re.fullmatch(r"in (\d{1,3}) days?", day):
        return start + timedelta(days=int(match[1]))
    weekday = _WEEKDAYS.index(day.removeprefix("next ").removeprefix("on "))
    return start + timedelta(days=(weekday - now.weekday() - 1) % 7 + 1)
