"""The time zone of this machine."""

import os
import re

_NAME = re.compile(r"/zoneinfo[^/]*/(.+)")


def machine_zone() -> str:
    """Give the name of this machine's zone in the IANA database; nothing where its clock has none:
    Debian's and macOS's `/etc/localtime` is a link to the zone's file."""
    found = _NAME.search(os.path.realpath("/etc/localtime"))
    return found[1] if found else ""
