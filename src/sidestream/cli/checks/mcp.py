"""The further MCP servers, looked at with the chat's own client."""

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
    missing = sorted(set(entry.tools or ()) - set(listing.theirs.values()) - set(listing.left_out))
    reasons = [f"{name} ({reason})" for name, reason in listing.left_out.items()]
    reasons += [f"{name} (it lists none)" for name in missing]
    trust = "trusted" if entry.trusted else "not trusted"
    if reasons:
        return warning(f"{len(listing.tools)} tools, {trust}. Not offered: {', '.join(reasons)}.")
    return ok(f"{len(listing.tools)} tools, {trust}.")
