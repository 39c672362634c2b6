"""The further MCP servers, looked at with the chat's own client."""

from collections.abc import Mapping

from sidestream.chat.tools.attached import attach
from sidestream.cli.checks.finding import Finding, failed, ok, warning
from sidestream.config import ChatSettings
from sidestream.mcp_server import McpServer


async def attached(entry: McpServer, settings: ChatSettings) -> Finding:
    """Whether a server lists tools, and which of them the model is not offered."""
    server = attach(entry, settings)
    try:
        await server.looked()
        listing = server.listing
    finally:
        await server.close()
    if listing is None:
        return failed(f"{entry.url}: {server.reason}; look at its entry in MCP_SERVERS.")
    listed = {*listing.theirs.values(), *listing.left_out}
    missing = sorted(set(entry.tools or ()) - listed)
    asked = set(entry.ask) if isinstance(entry.ask, Mapping) else set()
    reasons = [f"{name} ({reason})" for name, reason in listing.left_out.items()]
    reasons += [f"{name} (it lists none)" for name in missing]
    trust = "trusted" if entry.trusted else "not trusted"
    said = f"{len(listing.tools)} tools, {trust}."
    if reasons:
        said += f" Not offered: {', '.join(reasons)}."
    if unknown := sorted(asked - listed):
        said += f" Its ask names what it does not list: {', '.join(unknown)}."
    return warning(said) if reasons or unknown else ok(said)
