"""Due dates as people say them, for the few forms that need no guessing: a day, or a time of it."""

import re
from datetime import date, datetime, time, timedelta

_DAYS = {
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "next week": 7,
    "day after tomorrow": 2,
    "آج": 0,
    "کل": 1,
    "پرسوں": 2,
    "اگلے ہفتے": 7,
}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_URDU_WEEKDAYS = ("پیر", "منگل", "بدھ", "جمعرات", "جمعہ", "ہفتہ", "اتوار")
_NUMBERS = {
    **{"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7},
    **{"ایک": 1, "دو": 2, "تین": 3, "چار": 4, "پانچ": 5, "چھ": 6, "سات": 7},
}
# A date at the end of a title; the languages put it into their own patterns.
DATE = (
    r"(?:\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2})?(?:z|[+-]\d{2}:\d{2})?)?(?: کو)?"
    r"|today|tonight|tomorrow|(?:next |on )?(?:"
    + "|".join(_WEEKDAYS)
    + r")|(?:the )?day after tomorrow|next week|in (?:\d{1,3}|"
    + "|".join(word for word in _NUMBERS if word.isascii())
    + r") (?:days?|weeks?)|آج|کل|پرسوں|اگلے ہفتے|(?:\d{1,3}|"
    + "|".join(word for word in _NUMBERS if not word.isascii())
    + r") (?:دن|ہفتے) (?:بعد|میں)|(?:اگلے |اس )?(?:"
    + "|".join(_URDU_WEEKDAYS)
    + r"|جمعے|ہفتے)(?: کے دن)? کو)(?: at \d{1,2}(?::\d{2})? ?(?:am|pm)?)?"
)
_READ = re.compile(
    r"(?:(?:on|by|due|before) )*(?P<day>.+?)"
    r"(?: at (?P<hour>\d{1,2})(?::(?P<minute>\d{2}))? ?(?P<half>am|pm)?)?"
    r"(?: تک)?"
)


def read_due(text: str, now: datetime) -> str | None:
    """The folded text as ISO 8601: a day, or a time by the clock of whoever says it, unless it is
    written with an offset. None when it is no date. `now` is as their clock has it."""
    match = _READ.fullmatch(text.strip())
    if match is None:
        return None
    try:
        due = _due(match["day"], now.date())
        if match["hour"]:
            hour = int(match["hour"])
            if match["half"]:
                hour = hour % 12 + (12 if match["half"] == "pm" else 0)
            due = datetime.combine(due, time(hour, int(match["minute"] or 0)))
    except ValueError:
        return None
    return due.isoformat().replace("+00:00", "Z")


def _due(day: str, today: date) -> date:
    """A day, or a written time. Raises ValueError."""
    if "-" in day:
        written = day.removesuffix(" کو")
        if len(written) == len("2026-01-01"):
            return date.fromisoformat(written)
        return datetime.fromisoformat(written.upper())
    if (days := _DAYS.get(day.removeprefix("the "))) is not None:
        return today + timedelta(days=days)
    if match := re.fullmatch(r"(?:in )?(\w+) (days?|weeks?|دن|ہفتے)(?: بعد| میں)?", day):
        count = int(match[1]) if match[1].isdecimal() else _number(match[1])
        return today + timedelta(days=count * (7 if match[2][0] in "wہ" else 1))
    weekday = _weekday(day)
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _number(word: str) -> int:
    """Raises ValueError."""
    if word not in _NUMBERS:
        raise ValueError(word)
    return _NUMBERS[word]


def _weekday(day: str) -> int:
    """Monday is 0. Raises ValueError."""
    if match := re.fullmatch(r"(?:اگلے |اس )?(\S+?)(?: کے دن)?(?: کو)?", day):
        urdu = {"جمعے": "جمعہ", "ہفتے": "ہفتہ"}.get(match[1], match[1])
        if urdu in _URDU_WEEKDAYS:
            return _URDU_WEEKDAYS.index(urdu)
    return _WEEKDAYS.index(day.removeprefix("next ").removeprefix("on "))
