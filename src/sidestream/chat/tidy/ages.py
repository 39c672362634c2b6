"""How long the settings say that what is kept."""

from typing import Final

from sidestream.config import TidySettings
from sidestream.store.tidy import Kept

_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S


def kept(settings: TidySettings, *, more_s: float = 0) -> Kept:
    """Give how long what is kept, and some more."""
    return Kept(
        events_s=settings.event_hours * _HOUR_S + more_s,
        runs_s=settings.run_days * _DAY_S + more_s,
        files_s=settings.unsent_file_hours * _HOUR_S + more_s,
    )
