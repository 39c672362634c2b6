"""Where tools come from: the domain's server, an adopter's functions, further MCP servers.

A source lists what it offers and makes a call. All that is done around a call (policy, holding,
trace, memory, budgets) is done once, for every source, by the toolbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sidestream.chat.context import RunContext
from sidestream.chat.tools.elicitation import Answers
from sidestream.chat.tools.server import McpClient, ToolResult
from sidestream.domain import Domain, Policy, Row
from sidestream.i18n import Plural


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """A tool as the model is offered it, and as the chat treats it.

    `schema` is the JSON schema of its arguments, `strict` says that the schema keeps to what the
    Agents SDK calls strict.
    """

    policy: Policy
    description: str
    schema: Mapping[str, Any]
    strict: bool = False


class ToolSource(Protocol):
    """One origin of tools."""

    @property
    def changed_event(self) -> str:
        """The client effect that tells the page that one of these tools has changed something."""
        ...

    @property
    def counted(self) -> Plural:
        """How many things a list of these tools has, in words."""
        ...

    def tools(self) -> Mapping[str, OfferedTool]:
        """The tools that are offered now, by the name that the model calls."""
        ...

    def refresh(self) -> None:
        """Look again at what is offered, in the background, if it is time to."""
        ...

    def notes(self) -> str:
        """What the model is told beside the tools: lines of its instructions, or nothing."""
        ...

    def owns(self, name: str) -> bool:
        """Tell whether a name is of this source, be it offered at present or not."""
        ...

    async def call(
        self,
        context: RunContext,
        name: str,
        call_id: str,
        arguments: dict[str, Any],
        key: str,
        answers: Answers | None = None,
    ) -> ToolResult:
        """Call a tool as the run's user. `key` names what the call does: it is to be done once.
        `answers` goes with a call that is repeated because its server wanted something first.

        Raises `ToolServerError` when nobody answered.
        """
        ...

    @property
    def asker(self) -> str:
        """Under which name it asks a person something. Empty for what is the system's own."""
        ...

    def rows(self, result: Any) -> list[Row]:
        """Give the domain's things in a result, where this source may speak of them."""
        ...


class ReleasedTools:
    """What all tools of a release share: they are the domain's, and the same as long as it runs."""

    asker = ""

    def __init__(self, domain: Domain, tools: Mapping[str, OfferedTool]) -> None:
        self._domain = domain
        self._tools = tools

    @property
    def changed_event(self) -> str:
        return self._domain.changed_event

    @property
    def counted(self) -> Plural:
        return self._domain.counted

    def tools(self) -> Mapping[str, OfferedTool]:
        return self._tools

    def refresh(self) -> None:
        """Nothing: there is nothing to look at again."""

    def notes(self) -> str:
        return ""

    def owns(self, name: str) -> bool:
        return name in self._tools

    def rows(self, result: Any) -> list[Row]:
        return self._domain.rows(result)


class DomainTools(ReleasedTools):
    """The tools of the domain's own server, from its manifest: listing them costs no request."""

    def __init__(self, domain: Domain, client: McpClient) -> None:
        self._client = client
        offered = {
            str(entry["name"]): OfferedTool(
                policy=domain.policy(str(entry["name"])),
                description=str(entry["description"]),
                schema=entry["inputSchema"],
            )
            for entry in domain.entries
        }
        super().__init__(domain, offered)

    async def call(
        self,
        context: RunContext,
        name: str,
        call_id: str,  # noqa: ARG002
        arguments: dict[str, Any],
        key: str,
        answers: Answers | None = None,
    ) -> ToolResult:
        return await self._client.call(
            name,
            arguments,
            user_id=context.user_id,
            key=key,
            request_id=context.request_id,
            answers=answers,
            time_zone=context.time_zone,
        )
