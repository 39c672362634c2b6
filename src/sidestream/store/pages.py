"""Pages of threads and of items: where one begins, what it holds, and where the next one does.

A page starts where the one before ended, or at the id of a row that is there.
"""

from typing import Any, Final, LiteralString

from chatkit.types import Page, ThreadItem, ThreadMetadata

from . import cursor
from .cursor import Cursor
from .database import Rows
from .sizes import within_bytes

# Where a page begins, told by the cursor or by the row. Of the two in one expression no index would
# be used: coalesce is nothing that row-level security takes for leakproof.
_THREAD_PLACE: Final = "timestamptz 'epoch' + %(place)s::bigint * interval '1 microsecond'"
_PLACE_OF_THREAD: Final = (
    "(select updated_at from threads where user_id = %(user)s and id = %(after)s)"
)
_ITEM_PLACE: Final = "%(place)s::bigint"
_PLACE_OF_ITEM: Final = """
    (select seq from thread_items
     where user_id = %(user)s and thread_id = %(thread)s and id = %(after)s)
"""
_THREADS_ASC: Final = """
    select data::text as data, (extract(epoch from updated_at) * 1000000)::bigint as place, id
    from threads
    where user_id = %(user)s and (
      %(after)s::text is null or (updated_at, id) > (PLACE, %(after)s::text))
    order by updated_at, id limit %(limit)s
"""
_THREADS_DESC: Final = """
    select data::text as data, (extract(epoch from updated_at) * 1000000)::bigint as place, id
    from threads
    where user_id = %(user)s and (
      %(after)s::text is null or (updated_at, id) < (PLACE, %(after)s::text))
    order by updated_at desc, id desc limit %(limit)s
"""
_ITEMS_ASC: Final = """
    select data::text as data, seq as place from thread_items
    where user_id = %(user)s and thread_id = %(thread)s and (%(after)s::text is null or
      seq > PLACE)
    order by seq limit %(limit)s
"""
_ITEMS_DESC: Final = """
    select data::text as data, seq as place from thread_items
    where user_id = %(user)s and thread_id = %(thread)s and (%(after)s::text is null or
      seq < PLACE)
    order by seq desc limit %(limit)s
"""

_THREAD_PAGES: Final = {
    "asc": within_bytes(_THREADS_ASC, "place, id"),
    "desc": within_bytes(_THREADS_DESC, "place desc, id desc"),
}
_ITEM_PAGES: Final = {
    "asc": within_bytes(_ITEMS_ASC, "place"),
    "desc": within_bytes(_ITEMS_DESC, "place desc"),
}


def seen(list_name: str, after: str | None) -> Cursor | None:
    """Read where a page is to begin: None for the first one. Raises `UnknownCursor`."""
    return cursor.read(list_name, after) if after is not None else None


def of_threads(order: str, seen: Cursor | None) -> LiteralString:
    """The query of a page of threads, which needs what `after` gives."""
    place = _PLACE_OF_THREAD if _by_id(seen) else _THREAD_PLACE
    return _THREAD_PAGES[_order(order)].replace("PLACE", place)


def of_items(order: str, seen: Cursor | None) -> LiteralString:
    """The query of a page of items, which needs what `after` gives."""
    place = _PLACE_OF_ITEM if _by_id(seen) else _ITEM_PLACE
    return _ITEM_PAGES[_order(order)].replace("PLACE", place)


def after(seen: Cursor | None) -> dict[str, Any]:
    """The parameters that say where a page begins."""
    return {"after": seen and seen.id, "place": seen and seen.place}


def page[T: (ThreadMetadata, ThreadItem)](list_name: str, data: list[T], rows: Rows) -> Page[T]:
    """Make the page of what a query gave."""
    following = None
    if rows and rows[-1]["found"] > len(rows):
        following = cursor.write(list_name, Cursor(data[-1].id, rows[-1]["place"]))
    return Page(data=data, has_more=following is not None, after=following)


def _by_id(seen: Cursor | None) -> bool:
    return seen is not None and seen.place is None


def _order(order: str) -> str:
    return "desc" if order == "desc" else "asc"
