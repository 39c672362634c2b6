"""A list as a ChatKit widget: the domain's card.

A widget is built from the domain's template. Its rows carry, in their actions, all that is needed
to build it again, so an action changes the one row it is about and the whole widget is saved in its
new state (`ThreadItemReplacedEvent`; mere updates would be gone after a reload).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatkit.actions import Action
from chatkit.types import WidgetItem
from chatkit.widgets import DynamicWidgetRoot, WidgetTemplate
from pydantic import ValidationError

from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.confirmation import Call
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.domain import Domain, Row, RowAction
from sidestream.i18n import text
from sidestream.problems import Invalid
from sidestream.store.codec import item_json
from sidestream.store.ids import new_id
from sidestream.store.sizes import SIZES


@dataclass(frozen=True, slots=True)
class RowCall:
    """What a person did to a row: the tool call it stands for, and the row as they saw it."""

    call: Call
    row: Row


class Cards:
    """The cards of a domain, each of at most `max_bytes` as it is stored. A domain without a card
    shows none, and knows no actions."""

    def __init__(self, domain: Domain, max_bytes: int = SIZES.item_bytes) -> None:
        self._domain = domain
        self._max_bytes = max_bytes
        self._card = domain.card
        self._template = (
            WidgetTemplate.from_file(str(domain.card.template)) if domain.card else None
        )

    def listing(self, records: Iterable[ToolRecord], registry: ToolRegistry) -> list[Row]:
        """Give the rows of the last list that was asked for, if the run was about listing."""
        rows: list[Row] = []
        for record in records:
            if record.failed or not registry.policy(record.name).tool.lists:
                return []
            rows = registry.rows(record)
        return rows[: self._card.max_rows] if self._card else []

    def build(self, rows: Sequence[Row], locale: str) -> DynamicWidgetRoot:
        """Build the widget of some rows. The domain has to have a card."""
        assert self._card is not None
        assert self._template is not None
        labels = {name: text(locale, label) for name, label in self._card.labels.items()}
        return self._template.build({"rows": list(rows), **labels})

    def item(self, rows: Sequence[Row], thread_id: str, locale: str) -> WidgetItem:
        """Make the thread item that shows some rows: of large ones, the first that fit."""
        while True:
            item = WidgetItem(
                id=new_id("wgt"),
                thread_id=thread_id,
                created_at=datetime.now(UTC),
                widget=self.build(rows, locale),
                copy_text="\n".join(row.plain() for row in rows),
            )
            if not rows or len(item_json(item).encode()) <= self._max_bytes:
                return item
            rows = rows[: len(rows) // 2]

    def rebuilt(
        self, item: WidgetItem, changes: Mapping[str, Row | None], locale: str
    ) -> WidgetItem:
        """Give a widget item with some rows changed, or removed where the change is None."""
        rows = [changes.get(row.id, row) for row in self.shown(item)]
        kept = [row for row in rows if row is not None]
        fresh = self.item(kept, item.thread_id, locale)
        return fresh.model_copy(update={"id": item.id, "created_at": item.created_at})

    def shown(self, item: WidgetItem) -> list[Row]:
        """Read the rows that a widget item shows back out of its actions."""
        found = self._payloads(item.widget.model_dump(mode="json", exclude_none=True))
        return list({row.id: row for row in found}.values())

    def row_call(self, action: Action[str, Any]) -> RowCall:
        """Read an action of a row. Raises `Invalid` for any other action."""
        known = self._actions().get(action.type)
        if known is None:
            raise Invalid("There is no such action.")
        try:
            row = self._domain.row.model_validate(action.payload)
        except ValidationError:
            raise Invalid("The action's payload is not that of a row.") from None
        return RowCall(Call(known.tool, known.arguments(row)), row)

    def _actions(self) -> Mapping[str, RowAction]:
        return self._card.actions if self._card else {}

    def _payloads(self, node: Any) -> Iterator[Row]:
        if isinstance(node, dict):
            if node.get("type") in self._actions():
                try:
                    yield self._domain.row.model_validate(node.get("payload"))
                except ValidationError:
                    return
            for inner in node.values():
                yield from self._payloads(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from self._payloads(inner)
