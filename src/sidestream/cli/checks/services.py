"""What the functions lean on: the model, and the domain's tools.

Sources: OpenAI's API reference, "List models"; the MCP specification of 2026-07-28, "Tools".
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import httpx2

from sidestream import network
from sidestream.chat.tools.signing import NoCredentials, UrlSigner
from sidestream.cli.checks.finding import Broken, Finding, failed, ok, unchecked, warning
from sidestream.cli.checks.model_request import base_url
from sidestream.config import ChatSettings
from sidestream.domain import Domain, DomainError
from sidestream.local.settings import load_domain
from sidestream.problems import PROBLEM_TYPE
from sidestream.reasons import of_error, of_status
from sidestream.signing_key import tool_key

_PROTOCOL: Final = "2026-07-28"
_TIMEOUT_S: Final = 8.0
_UNAUTHORIZED: Final = (401, 403)


async def model(settings: ChatSettings, names: Sequence[str]) -> Finding:
    """Whether the provider has each of these models, and for how long."""
    key = settings.openai_api_key.get_secret_value()
    if not key:
        return unchecked("Needs OPENAI_API_KEY here.")
    headers = {"authorization": f"Bearer {key}"}
    what = "The model provider"
    answer = await _ask(
        "GET", f"{base_url(settings)}/models", what, headers=headers, passed=(401, 403, 404)
    )
    if answer.status_code in _UNAUTHORIZED:
        reason = of_status(answer.status_code)
        return failed(f"The model provider: {reason}; look at OPENAI_API_KEY.")
    if answer.status_code == httpx2.codes.NOT_FOUND:
        return unchecked("This provider does not list its models.")
    try:
        listed = {entry["id"]: entry.get("shutdown_date") for entry in answer.json()["data"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return failed("The model provider's list cannot be read: look at OPENAI_BASE_URL.")
    unknown = [name for name in names if name not in listed]
    if unknown:
        return failed(f"The provider has no {', '.join(unknown)}: choose another in MODEL, MODELS.")
    ends = {name: _date(listed[name]) for name in names}
    leaving = {name: day for name, day in ends.items() if day is not None}
    if leaving:
        name, day = min(leaving.items(), key=lambda entry: entry[1])
        gone = day <= datetime.now(UTC).date()
        sentence = f"{name} {'was' if gone else 'will be'} shut down on {day}: choose another."
        return failed(sentence) if gone else warning(sentence)
    return ok(f"{', '.join(names)}, with no announced end.")


async def tools(settings: ChatSettings, url: str | None) -> Finding:
    """Whether the tools that the chat offers to the model are those that the server has."""
    try:
        domain = load_domain(settings.domain)
    except DomainError as error:
        return failed(str(error))
    if not url:
        return unchecked("Name the tools' URL with --tools-url, or set TOOLS_MCP_URL here.")
    token, _ = tool_key(settings.tool_signing_key.get_secret_value()).mint("doctor")
    meta = {
        "io.modelcontextprotocol/protocolVersion": _PROTOCOL,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "mcp-protocol-version": _PROTOCOL,
        "mcp-method": "tools/list",
    }
    signed = settings.tools_mcp_auth == "sigv4"
    what = f"The tool server {url}"
    try:
        answer = await _ask(
            "POST",
            url,
            what,
            headers=headers,
            content=json.dumps(call),
            auth=UrlSigner(url) if signed else None,
            passed=_UNAUTHORIZED,
        )
    except NoCredentials:
        return unchecked("The tools' URL takes signed calls: needs AWS credentials here.")
    if signed and answer.headers.get("content-type") != PROBLEM_TYPE and not answer.is_success:
        return failed(
            "AWS refuses our signature: let these credentials use lambda:InvokeFunctionUrl, or use "
            "others."
        )
    if answer.status_code in _UNAUTHORIZED:
        reason = of_status(answer.status_code)
        return failed(f"The tool server: {reason}; TOOL_SIGNING_KEY differs between the two.")
    try:
        served = {tool["name"]: tool for tool in answer.json()["result"]["tools"]}
    except (ValueError, KeyError, TypeError):
        return failed(f"{what} does not answer as MCP says: look at TOOLS_MCP_URL.")
    return _compare(domain, served)


def _compare(domain: Domain, served: dict[str, Any]) -> Finding:
    offered = {tool["name"]: tool for tool in domain.entries}
    reasons = {
        "missing there": offered.keys() - served.keys(),
        "unknown here": served.keys() - offered.keys(),
        "not the same": {
            name
            for name in offered.keys() & served.keys()
            if any(served[name].get(part) != value for part, value in offered[name].items())
        },
    }
    said = [f"{', '.join(sorted(names))} {why}" for why, names in reasons.items() if names]
    if said:
        return failed(f"{'; '.join(said)}: release both functions from the same checkout.")
    return ok(f"All {len(offered)} tools are those that the chat offers.")


async def _ask(
    method: str, url: str, what: str, *, passed: tuple[int, ...] = (), **options: Any
) -> httpx2.Response:
    """Send one request. Raises `Broken` unless it succeeds or ends in a status of `passed`."""
    try:
        async with network.async_client(url, timeout=_TIMEOUT_S) as client:
            answer = await client.request(method, url, **options)
    except NoCredentials:
        raise
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Broken(f"{what}: {of_error(error)}; look at its address and the network.") from None
    if not answer.is_success and answer.status_code not in passed:
        reason = of_status(answer.status_code)
        raise Broken(
            f"{what}: {reason} (HTTP {answer.status_code}); look at its address and its logs."
        )
    return answer


def _date(value: object) -> date | None:
    """A day as providers give it: an ISO date, or seconds since 1970."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).date()
        return date.fromisoformat(str(value)[:10]) if value else None
    except (ValueError, OverflowError):
        return None
