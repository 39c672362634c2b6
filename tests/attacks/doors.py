"""The doors of the running functions: a request of each that takes a token."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from sidestream.local.system import LocalSystem
from tests.tool_server.people import modern_call, modern_headers

_OPEN: Final = range(200, 300)
_PAUSES_S: Final = (1, 2, 4, 8, 0)


class Doors:
    """Each a route that takes a token of one kind or another."""

    of_people: Final = frozenset({"chat", "session", "tickets"})
    """Those that a token of a sign-in opens."""

    def __init__(self, system: LocalSystem, http: httpx2.AsyncClient) -> None:
        chat, tools = system.chat.url, system.tools.url
        self._http = http
        listing = {"type": "threads.list", "params": {}}
        self.all: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
            "chat": ("POST", f"{chat}/api/chatkit", {"json": listing}),
            "session": ("POST", f"{chat}/api/chatkit/session", {}),
            "tickets": ("GET", f"{tools}/api/alice/tickets", {}),
            "mcp": (
                "POST",
                f"{tools}/mcp",
                {
                    "json": modern_call("list_tickets", {}),
                    "headers": modern_headers("list_tickets"),
                },
            ),
        }

    async def open_to(self, token: str, *, away: bool = False) -> set[str]:
        """Give the doors that a token opens. Every other one has to say 401, and no more; or, while
        the sign-in is `away`, that nobody can tell."""
        answers = await asyncio.gather(*(self._ask(name, token, away) for name in self.all))
        return {name for name, is_open in zip(self.all, answers, strict=True) if is_open}

    async def _ask(self, name: str, token: str, away: bool) -> bool:
        method, url, options = self.all[name]
        headers = {**options.get("headers", {}), "authorization": f"Bearer {token}"}
        encoded = [(key, value.encode("utf-8")) for key, value in headers.items()]
        for pause_s in _PAUSES_S:
            answer = await self._http.request(method, url, **{**options, "headers": encoded})
            if away or answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                break
            # A function that has just started may be too busy to read the keys in time.
            await asyncio.sleep(pause_s)
        if answer.status_code in _OPEN:
            return True
        document = answer.json()
        if away and answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            assert document["detail"] == "The sign-in service cannot be reached."
            return False
        assert (answer.status_code, document["code"]) == (401, "unauthorized"), (name, answer.text)
        assert document["detail"] in (
            *("The token is not valid.", "The token has expired."),
            "An Authorization header with a bearer token is needed.",
            "A session starts with a sign-in token.",
        )
        return False
