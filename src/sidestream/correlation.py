"""The id of the request that led to what is being done, from one function to the next, and down
to the database."""

import re
from contextvars import ContextVar
from typing import Final

correlation_id: Final[ContextVar[str]] = ContextVar("correlation_id", default="")
"""The id of the request that led to what is being done: also in another function's logs."""

PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def sql_comment(tag: str) -> str:
    """Give a comment by which the database's own logs tell whose request a statement served."""
    found = correlation_id.get()
    return f" /* {tag or 'sidestream'} {found} */" if PLAIN_ID.fullmatch(found) else ""
