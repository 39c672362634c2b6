"""Time zones: the one that a person is in, by its name in the IANA database.

A client says it with each request (`headers.TIME_ZONE`), and a sign-in may know it (the claim
`zoneinfo`, OpenID Connect Core 5.1). Nobody has to: a name that is none is as good as no name, and
without one all is as in UTC.
"""

import re
from contextlib import suppress
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC_ZONE: Final = ZoneInfo("UTC")
CLAIM: Final = "zoneinfo"

# A name becomes the path of a file.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}")


def time_zone(*names: object) -> ZoneInfo:
    """Give the zone that the first of some names is the name of, or UTC."""
    for name in names:
        if isinstance(name, str) and _NAME.fullmatch(name):
            with suppress(ZoneInfoNotFoundError, ValueError, OSError):
                return ZoneInfo(name)
    return UTC_ZONE
