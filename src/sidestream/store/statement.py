"""Statements, and the call that sends some of them together: what it may still cost in time."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from ..correlation import sql_comment
from ..problems import Invalid

type Params = Sequence[Any] | Mapping[str, Any]
type Rows = list[dict[str, Any]]

_STATEMENT_SHARE: Final = 0.8
_BEGIN: Final = """
    select set_config('app.user_id', %s, true), set_config('search_path', 'public', true),
      set_config('row_security', 'on', true), set_config('TimeZone', 'UTC', true),
      set_config('standard_conforming_strings', 'on', true),
      set_config('statement_timeout', %s, true)
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with its parameters, `%s` or `%(name)s`."""

    sql: LiteralString
    params: Params = ()

    @property
    def writes(self) -> bool:
        """Whether it may change rows: one that does not begins with `select`."""
        return not self.sql.lstrip().lower().startswith("select")


class Call:
    """Statements of one user that go together, and the time that all their sendings may take:
    `waiting_s` for connections beside `answer_s` for answers."""

    def __init__(
        self,
        user_id: str,
        statements: Sequence[Statement],
        tag: str,
        *,
        waiting_s: float,
        answer_s: float,
    ) -> None:
        """Raises `Invalid` for text that cannot be sent."""
        if not user_id:
            raise ValueError("a statement needs a user")
        for params in ((user_id,), *(statement.params for statement in statements)):
            _check_text(params)
        self.name = tag or "a call"
        self.writes = any(statement.writes for statement in statements)
        self.ends_at = time.monotonic() + waiting_s + answer_s
        self.answer_s = answer_s
        self._user_id = user_id
        comment = sql_comment(tag)
        self._begin = _BEGIN + comment
        self._statements = [Statement(each.sql + comment, each.params) for each in statements]

    def statements(self) -> list[Statement]:
        """Give what is sent, which begins with the settings of the transaction. The work on each
        statement may take a little less than we wait for it."""
        timeout_ms = max(1, int(self.answer_s * _STATEMENT_SHARE * 1000))
        return [Statement(self._begin, (self._user_id, str(timeout_ms))), *self._statements]

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count the time inside as spent on an answer."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.answer_s = max(0.0, self.answer_s - (time.monotonic() - began))


def _check_text(params: Params) -> None:
    """Refuse text that cannot be sent, before any statement of the call is."""
    for value in params.values() if isinstance(params, Mapping) else params:
        if isinstance(value, str):
            require_storable(value)
        elif isinstance(value, list):
            _check_text(value)


def require_storable(text: str) -> None:
    """Raise `Invalid` for text that Postgres cannot hold: with a NUL or a lone surrogate."""
    if "\0" in text:
        raise Invalid("The text contains a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("The text contains half of a surrogate pair.") from None
