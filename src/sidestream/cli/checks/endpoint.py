"""The chat's endpoint from outside: its health, its answer to the page's origin, its clock.

Source of the preflight: WHATWG Fetch, "CORS protocol".
"""

import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from sidestream import network
from sidestream.cli.checks.finding import Broken, Finding, failed, ok, unchecked

_TIMEOUT_S: Final = 15.0  # a cold start included
_MAX_SKEW_S: Final = 10.0  # the leeway of tokens
_HEALTH: Final = "/api/chatkit/health"
_ALLOWED: Final = "access-control-allow-origin"


async def health(url: str) -> Finding:
    """What the function says of itself."""
    answer = await _ask("GET", f"{url}{_HEALTH}")
    document = _document(answer)
    if document.get("status") == "ok":
        return ok(f"{url} is well, and answers with {document.get('model')}.")
    if document.get("database") != "reachable":
        return failed(f"{url} answers and cannot reach its database: look at its DATABASE_URL.")
    return failed(f"{url} answers and has no key for its model: set its OPENAI_API_KEY.")


async def models(url: str) -> tuple[str, ...]:
    """Give the models that the function says it uses. Raises `Broken`."""
    document = _document(await _ask("GET", f"{url}{_HEALTH}"))
    return tuple(str(name) for name in document.get("models") or [document.get("model")])


async def clock(url: str) -> Finding:
    """Whether the function's clock and this one agree, on which tokens rest."""
    before = time.time()
    answer = await _ask("GET", f"{url}{_HEALTH}")
    after = time.time()
    try:
        if stamp := answer.headers.get("date"):
            theirs = parsedate_to_datetime(stamp).timestamp()
        else:
            theirs = datetime.fromisoformat(_document(answer)["timestamp"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return unchecked("The endpoint tells no time.")
    skew = theirs - min(max(theirs, before), after)
    if abs(skew) > _MAX_SKEW_S:
        side = "ahead of" if skew > 0 else "behind"
        return failed(
            f"The endpoint is {abs(skew):.0f} s {side} this clock: set the clock that is wrong; "
            "tokens are refused."
        )
    return ok("The endpoint's clock and this one agree.")


async def origin(url: str | None, page: str | None, path: str, method: str) -> Finding:
    """Whether a browser lets the page of an origin talk to an endpoint."""
    if not url:
        return unchecked("Name the tools' URL with --tools-url, or set TOOLS_MCP_URL here.")
    if not page:
        return unchecked("Name your page's origin with --origin.")
    preflight = await _ask(
        "OPTIONS",
        f"{url}{path}",
        headers={
            "origin": page,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization,content-type",
        },
    )
    leave = preflight.headers.get_list(_ALLOWED)
    if not leave or leave[0] not in (page, "*"):
        return failed(f"{url} does not allow {page}: add it to AllowedOrigins (CORS_ORIGINS).")
    for kind, wanted in (("methods", {method}), ("headers", {"authorization", "content-type"})):
        allowed = preflight.headers.get(f"access-control-allow-{kind}", "")
        names = {name.strip().lower() for name in allowed.split(",")}
        lacking = {name for name in wanted if name.lower() not in names}
        if lacking and "*" not in names:
            return failed(
                f"{url} does not allow the {kind} {', '.join(sorted(lacking))} to a page."
            )
    plain = await _ask("GET", f"{url}/healthz", headers={"origin": page})
    for answer in (preflight, plain):
        if len(answer.headers.get_list(_ALLOWED)) != 1:
            return failed(
                f"{url} answers CORS in {len(answer.headers.get_list(_ALLOWED))} places and needs "
                "one: the Function URL, or CORS_ORIGINS, and not both."
            )
    return ok(f"{page} may call {url}.")


async def _ask(method: str, url: str, **options: Any) -> httpx2.Response:
    try:
        async with network.async_client(url, timeout=_TIMEOUT_S) as client:
            return await client.request(method, url, **options)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise Broken(
            "The endpoint cannot be reached: look at the address and the network."
        ) from None


def _document(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not answer.is_success or not isinstance(document, dict):
        raise Broken(f"{_HEALTH} answered {answer.status_code}: is this the chat's address?")
    return document
