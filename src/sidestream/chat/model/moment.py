"""When it is for the person: without it, "tomorrow" means nothing.

It is told as a note before each message, and not with the instructions: a message keeps its own
time, so that what was sent once is sent the same way again and a provider's cache of it stays good.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chatkit.types import ThreadItem, UserMessageItem

from sidestream.chat.model.history import note
from sidestream.store.codec import aware_utc

_TOLD: Final = "The person's clock: {day}, {time} (UTC{offset})."
_FRESH: Final = timedelta(minutes=5)
"""A message that is older when it is answered (again, or after a card) is answered now."""


def told(items: Sequence[ThreadItem], now: datetime, zone: ZoneInfo) -> list[ThreadItem]:
    """Give the items with a note of the time before each message; where there is none, first."""
    told: list[ThreadItem] = []
    for item in reversed(items):
        told.append(item)
        if isinstance(item, UserMessageItem):
            said = aware_utc(item.created_at)
            is_last = not any(isinstance(later, UserMessageItem) for later in told[:-1])
            moment = now if is_last and now - said > _FRESH else said
            told.append(note("", words(moment, zone)))
    if len(told) == len(items):
        told.append(note("", words(now, zone)))
    return told[::-1]


def words(moment: datetime, zone: ZoneInfo) -> str:
    """Say what day and time it is in a zone."""
    local = moment.astimezone(zone)
    offset = f"{local:%:z}"
    return _TOLD.format(day=f"{local:%A, %d %B %Y}", time=f"{local:%H:%M}", offset=offset)
