"""Whether the parts that a function stands on are well, for monitoring and load balancers.

Nobody has to have a token to ask, so an answer costs no query by itself: a part is looked at when
somebody asks and the last look is some seconds old, once for all who ask meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from sidestream.reasons import of_error, report

_LIMIT_S: Final = 2.0
_DEEP: Final = "deep"

type Look = Callable[[], Awaitable[bool]]
"""Tells whether a part is well. Why it is not is in the log by then."""


class Part:
    """A part outside the process, looked at at most every `every_s` seconds, each time for
    `limit_s` at most."""

    def __init__(self, name: str, look: Look, *, every_s: float, limit_s: float = _LIMIT_S) -> None:
        self._name = name
        self._look = look
        self._every_s = every_s
        self._limit_s = limit_s
        self._looking: asyncio.Task[bool] | None = None
        self._again_at = 0.0

    async def is_well(self) -> bool:
        """Tell what the last look found, after the one that is under way or due."""
        looking = self._looking
        if looking is None or (looking.done() and time.monotonic() >= self._again_at):
            looking = self._looking = asyncio.create_task(self._looked())
        return await asyncio.shield(looking)

    async def _looked(self) -> bool:
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._look()
        except Exception as error:
            report(self._name, of_error(error))
            return False
        finally:
            self._again_at = time.monotonic() + self._every_s


async def healthz(request: Request, parts: Mapping[str, Part]) -> JSONResponse:
    """Answer `GET /healthz`: without touching anything, or, with `deep` in the query, with a word
    on each part, and 503 when one of them is not well."""
    if _DEEP not in request.query_params:
        return JSONResponse({"status": "ok"})
    well = await asyncio.gather(*(part.is_well() for part in parts.values()))
    words = {name: _word(is_well) for name, is_well in zip(parts, well, strict=True)}
    document = {"status": _word(all(well)), "parts": words}
    return JSONResponse(document, status_code=200 if all(well) else 503)


def _word(is_well: bool) -> str:
    return "ok" if is_well else "failing"
