"""Slots: which item of the output an event of the Responses API is about.

An event names its item by `output_index`, or else by the item's id. Bridges leave out the first,
say 0 for every item, or give an item another id with each event; a call's `call_id` is the most
that can be relied on.
"""

from collections.abc import Hashable, Mapping
from typing import Any

type Key = Hashable


class _Slot:
    """An item, and what it is known by."""

    def __init__(self, key: Key, place: int | None) -> None:
        self.key = key
        self.place = place
        self.ids: set[str] = set()
        self.name = ""
        """A call's `call_id`, another item's id; empty while it is not known."""
        self.is_whole = False


class Slots:
    """The items of one kind, in the order in which they began."""

    def __init__(self, *, are_calls: bool = False) -> None:
        self._all: list[_Slot] = []
        self._are_calls = are_calls

    def of_delta(self, event: Mapping[str, Any]) -> Key:
        """Give the key of the item that an event adds something to."""
        place, item_id = _place(event), _text(event.get("item_id"))
        near = self._near(place, item_id)
        named = [slot for slot in near if item_id in slot.ids]
        going = [slot for slot in near if not slot.is_whole]
        return ((named or going or near)[-1:] or [self._begin(place, item_id)])[0].key

    def of_item(self, event: Mapping[str, Any], item: Mapping[str, Any], *, whole: bool) -> Key:
        """Give the key of the item that an event shows, as it begins or as it is when `whole`."""
        place, item_id = _place(event), _text(item.get("id"))
        name = _text(item.get("call_id")) if self._are_calls else item_id
        near = self._near(place, item_id)
        slot = self._same(near, name, placed=place is not None, whole=whole)
        slot = slot or self._begin(place, item_id)
        slot.ids.add(item_id)
        slot.name = slot.name or name
        slot.is_whole = slot.is_whole or whole
        return slot.key

    def _near(self, place: int | None, item_id: str) -> list[_Slot]:
        if place is not None:
            return [slot for slot in self._all if slot.place == place]
        return [slot for slot in self._all if slot.place is None and item_id in slot.ids]

    def _same(self, near: list[_Slot], name: str, *, placed: bool, whole: bool) -> _Slot | None:
        """The slot of an item that was seen before."""
        among = near if placed else [slot for slot in self._all if slot.place is None]
        if name and (named := [slot for slot in among if slot.name == name]):
            return named[-1]
        going = [slot for slot in near if not slot.is_whole]
        if found := [slot for slot in going if not slot.name or not name]:
            return found[-1]
        if whole and placed and not name and near:
            return near[-1]
        # A message that ends under another id than it began with. A call's id does not change.
        going = [slot for slot in among if not slot.is_whole]
        return going[0] if whole and len(going) == 1 and not self._are_calls else None

    def _begin(self, place: int | None, item_id: str) -> _Slot:
        first: Key = item_id if place is None else place
        taken = any(slot.key == first for slot in self._all)
        slot = _Slot((first, len(self._all)) if taken else first, place)
        slot.ids.add(item_id)
        self._all.append(slot)
        return slot


def _place(event: Mapping[str, Any]) -> int | None:
    place = event.get("output_index")
    return place if isinstance(place, int) and not isinstance(place, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
