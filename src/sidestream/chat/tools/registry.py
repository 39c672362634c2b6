"""All tools on offer, whichever source they come from: what each may do, and whose it is."""

from collections.abc import Mapping, Sequence
from itertools import chain

from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.sources import OfferedTool, ToolSource
from sidestream.domain import RESULTS, Domain, Policy, Row, policy_of
from sidestream.i18n import Plural


class ToolRegistry:
    """The tools of some sources. Where two offer the same name, it is the earlier one's."""

    def __init__(self, domain: Domain, sources: Sequence[ToolSource]) -> None:
        self.domain = domain
        self._sources = tuple(sources)

    def offered(self) -> Mapping[str, OfferedTool]:
        """The tools that are offered now, by name, in the order of their sources."""
        offered: dict[str, OfferedTool] = {}
        for name, tool in chain.from_iterable(source.tools().items() for source in self._sources):
            offered.setdefault(name, tool)
        return offered

    def refresh(self) -> None:
        """Let each source look again at what it offers. Waits for nothing."""
        for source in self._sources:
            source.refresh()

    def notes(self) -> str:
        """What the model is told beside the tools, as lines of its instructions."""
        return "".join(source.notes() for source in self._sources)

    def source(self, name: str) -> ToolSource | None:
        """Give the source of a tool."""
        return next((source for source in self._sources if source.owns(name)), None)

    def policy(self, name: str) -> Policy:
        """Give how a tool is treated. One that nobody knows writes, and asks."""
        source = self.source(name)
        tool = source.tools().get(name) if source else None
        return tool.policy if tool else policy_of({"name": name}, None, trusted=False)

    def rows(self, record: ToolRecord) -> list[Row]:
        """Give the domain's things that a call's result tells of."""
        source = self.source(record.name)
        return source.rows(record.result) if source else []

    def counted(self, name: str) -> Plural:
        """How many things a list of a tool has, in words."""
        source = self.source(name)
        return source.counted if source else RESULTS

    def changed_event(self, name: str) -> str:
        """The client effect after a call of a tool that does more than read."""
        source = self.source(name)
        return source.changed_event if source else self.domain.changed_event
