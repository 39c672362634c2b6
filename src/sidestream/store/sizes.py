"""Sizes: how large an item may be as it is stored, and how much a page of rows may come to."""

from dataclasses import dataclass
from typing import Final, LiteralString


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of JSON in UTF-8. A page holds at least one row, whatever its size."""

    item_bytes: int = 256_000
    page_bytes: int = 1_000_000


SIZES: Final = Sizes()
"""What holds where nobody says anything else."""


def within_bytes(query: LiteralString, order: LiteralString) -> LiteralString:
    """Give the query for a page of the rows of another (`data`, `place` and what `order` names).

    It gives the first rows, `%(size)s` of them and `%(page_bytes)s` bytes at most, and always one.
    `found` tells how many the query has, which should look for one more than fits.
    """
    return f"""
    select data, place, found from (
      select page.*, count(*) over () as found, row_number() over (order by {order}) as row,
        sum(octet_length(data)) over (order by {order}) as bytes
      from ({query}) as page
    ) as measured
    where row <= %(size)s and (row = 1 or bytes <= %(page_bytes)s) order by row
    """  # noqa: S608
