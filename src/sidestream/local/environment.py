"""The environment of every process of the local system: made for it, not inherited.

A person's shell holds much that libraries read without being asked: `PGSSLMODE`, `AWS_PROFILE`,
`HTTP_PROXY`, `NODE_ENV`. What the system means to take is named here; a function's settings are in
`settings.py`.
"""

import os
from pathlib import Path
from typing import Final
from urllib.request import getproxies

_BASE: Final = ("PATH", "HOME", "TMPDIR")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_TERMINAL: Final = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANG")
_LOOPBACK: Final = "localhost,127.0.0.1,::1"
_TRUST: Final = ("PGSSL", "PGGSS", "PGKRB", "PGREQUIRE", "PGCHANNELBINDING", "PGPASS")


def base() -> dict[str, str]:
    """What no program starts without, and no files of AWS's tools under the person's home."""
    kept = {name: os.environ[name] for name in _BASE if name in os.environ}
    files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    return kept | dict.fromkeys(files, os.devnull)


def outward() -> dict[str, str]:
    """What whoever calls the world needs besides: the person's proxies, which loopback never goes
    through, and the certificates that they trust, if those are there."""
    proxies = getproxies()
    named = {
        f"{scheme.upper()}_PROXY": proxies[scheme]
        for scheme in ("http", "https", "all")
        if proxies.get(scheme)
    }
    if named:
        named["NO_PROXY"] = ",".join(filter(None, (proxies.get("no"), _LOOPBACK)))
    trusted = {name: os.environ.get(name, "") for name in _CERTIFICATES}
    return named | {name: path for name, path in trusted.items() if path and Path(path).exists()}


def isolate() -> None:
    """Leave this process, which works on the local system, what it needs and nothing else."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _TERMINAL or name.startswith("LC_")
    }
    made = {**kept, **outward(), **base()}
    os.environ.clear()
    os.environ.update(made)


def forget_libpq() -> None:
    """Take libpq's variables out of this process, which connects to a database by its full address.

    Where and as whom is in the address; of how a connection is secured, and of the password, the
    variables may still tell what the address leaves open.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        if not name.startswith(_TRUST):
            del os.environ[name]
