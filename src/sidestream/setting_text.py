"""The text of a setting, as what it means: a list, a document, the address of a database."""

import json
import re
from typing import Any

from sidestream.pasted import stripped


def is_database_url(text: str) -> bool:
    """Whether libpq reads what was meant. Of a password that is not percent-encoded it takes the
    end for a host, a port or a database, and those it tells to everybody."""
    # Whoever connects has it loaded anyway; most of the command line does not connect.
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not text.startswith(("postgresql://", "postgres://")):
        return False
    try:
        found = {name: str(part) for name, part in conninfo_to_dict(text).items()}
    except psycopg.Error:
        return False
    host, port, database = (found.get(name, "") for name in ("host", "port", "dbname"))
    return (
        bool(host and found.get("user"))
        and "@" not in host + database
        and all(number.isdecimal() for number in port.split(",") if number)
    )


def parts(text: str) -> list[str]:
    """Read a list with commas. Raises `ValueError` for one that is JSON."""
    # Not every bracket: a host may be `[::1]`.
    if re.match(r'\[\s*"', stripped(text)):
        raise ValueError("it is a list with commas between its parts, and no JSON")
    return text.split(",")


def document(text: str) -> Any:
    """Read JSON. Raises `ValueError`."""
    try:
        # Not strictly: a line end that was pasted into one of its strings is taken off later.
        return json.loads(stripped(text), strict=False)
    except ValueError:
        raise ValueError("it is no JSON") from None
