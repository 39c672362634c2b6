"""A registry of a domain's tools whose server is not there: for what never calls one."""

from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.server import McpClient
from sidestream.chat.tools.sources import DomainTools
from sidestream.domain import Domain
from sidestream.signing_key import tool_key


def registry_of(domain: Domain) -> ToolRegistry:
    """The registry of a domain's own tools alone."""
    client = McpClient("http://127.0.0.1:9/mcp", tool_key("k" * 32))
    return ToolRegistry(domain, [DomainTools(domain, client)])
