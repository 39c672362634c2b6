"""The removal of items from their thread, and of what belonged to them alone.

A file belongs to the messages that show it, which may be several of one thread. With the last of
them it is nobody's again, as before it was sent, and is tidied away as such. Feedback goes by a
foreign key.
"""

from typing import Final, LiteralString

from .lease import PERMIT, PERMITTED

_FILES: Final[LiteralString] = """
    (case when json_typeof(data -> 'attachments') = 'array' then data -> 'attachments'
     else '[]' end)
"""
_REMOVE: Final[LiteralString] = f"""
    {PERMIT},
    gone as (
      delete from thread_items
      where user_id = %(user)s and thread_id = %(thread)s and {PERMITTED} and WHICH
      returning id, data
    )
    update attachments set thread_id = null, data = (data::jsonb - 'thread_id')::json
    where user_id = %(user)s and thread_id = %(thread)s
      and id = any(array(
        select file ->> 'id' from gone, json_array_elements({_FILES}) as file))
      and id <> all(array(
        select file ->> 'id' from thread_items, json_array_elements({_FILES}) as file
        where user_id = %(user)s and thread_id = %(thread)s and type = 'user_message'
          and thread_items.id not in (select id from gone)))
"""  # noqa: S608
REMOVE_ITEM: Final = _REMOVE.replace("WHICH", "id = %(item)s")
REMOVE_ITEMS: Final = _REMOVE.replace(
    "WHICH",
    """
      seq > (select seq from thread_items
             where user_id = %(user)s and thread_id = %(thread)s and id = %(after)s)
      and seq <= (select seq from thread_items
                  where user_id = %(user)s and thread_id = %(thread)s and id = %(through)s)
    """,
)
"""Those after one item, up to another and with it."""
