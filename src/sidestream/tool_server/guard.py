"""Who may call from where: the hosts that are served at `/mcp`, and the pages that may ask.

MCP, "Security Warning" of the Streamable HTTP transport: servers validate `Origin` on every
connection, against pages that rebind a name to the server's address.
"""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers

from sidestream.problems import Forbidden, Misdirected

_ANY_PORT: Final = ":*"


class Guard:
    """Without `hosts` every host is served: a function cannot know the host of its own URL when it
    is deployed. Without `origins` no page may call: programs send no `Origin`."""

    def __init__(self, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._hosts = hosts
        self._origins = origins

    def check(self, headers: Headers) -> None:
        """Raise `Misdirected` or `Forbidden`."""
        if self._hosts and not _among(headers.get("host", ""), self._hosts):
            raise Misdirected
        origins = headers.getlist("origin")
        if not all(_among(origin, self._origins) for origin in origins):
            raise Forbidden("This page may not call the tools.")


def _among(value: str, allowed: Sequence[str]) -> bool:
    """Whether a host or an origin is one of these, of which `name:*` stands for any port."""
    return any(
        value == one or (one.endswith(_ANY_PORT) and value.startswith(one.removesuffix("*")))
        for one in allowed
    )
