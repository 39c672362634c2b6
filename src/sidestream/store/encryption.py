"""Whether what travels to the database is encrypted: always, where it leaves this machine, but by
an explicit word within a private network.

Left to itself libpq asks for TLS and goes on without (`sslmode=prefer`), also where somebody on the
way has only said that there is none (PostgreSQL, "SSL Support", table "SSL Mode Descriptions").
"""

import ipaddress
from typing import Final

from psycopg.conninfo import conninfo_to_dict

_WEAK: Final = frozenset({"disable", "allow", "prefer"})


def encrypted(url: str) -> str:
    """Give the URL with `sslmode=require` where it says less for a host beyond this machine.

    A host of a private network (a private address, a name without a dot or one that ends in
    `.internal` or `.local`) is believed when the URL names a weaker mode; any other is not. Raises
    `psycopg.Error` for what is no conninfo.
    """
    found = conninfo_to_dict(url)
    # Where both are given, `host` is a name alone and no place.
    hosts = str(found.get("hostaddr") or found.get("host") or "").split(",")
    mode = found.get("sslmode")
    if mode is not None and mode not in _WEAK:
        return url
    if all(map(stays_here, hosts)):
        return url
    if mode is not None and all(map(_is_private, hosts)):
        return url
    return f"{url}{'&' if '?' in url else '?'}sslmode=require"


def stays_here(host: str) -> bool:
    """Whether what is sent to a host, or to the folder of a socket, does not leave this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"} or host.startswith("/") or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".internal", ".local"))
