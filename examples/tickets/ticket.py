"""The ticket, and what may be written into one: the annotated types are the only place that says
what is valid, for the tools and for REST."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import StringConstraints

from sidestream.tool_server.fields import Storable, Visible, check_cursor, stamp

MAX_SUBJECT_CHARS: Final = 200
MAX_BODY_CHARS: Final = 5_000
MAX_ASSIGNEE_CHARS: Final = 100
MAX_EMAIL_CHARS: Final = 254
MAX_REASON_CHARS: Final = 500

type Status = Literal["open", "pending", "closed"]
type Priority = Literal["low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket of one person's desk. All times are aware; empty texts mean that none is known.
    `close_reason` is empty unless it is closed."""

    id: str
    subject: str
    body: str
    status: Status
    priority: Priority
    assignee: str
    customer_email: str
    close_reason: str
    created_at: datetime
    updated_at: datetime

    def document(self) -> dict[str, Any]:
        """Give the ticket as JSON: times are ISO 8601 with `Z`."""
        return {
            "id": self.id,
            "subject": self.subject,
            "body": self.body,
            "status": self.status,
            "priority": self.priority,
            "assignee": self.assignee,
            "customer_email": self.customer_email,
            "close_reason": self.close_reason,
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What a new ticket is made of. It is open."""

    subject: str
    body: str = ""
    priority: Priority = "normal"
    assignee: str = ""
    customer_email: str = ""


@dataclass(frozen=True, slots=True)
class TicketChanges:
    """What to change in a ticket. `None` leaves a field as it is; a ticket that is opened again
    forgets why it was closed."""

    subject: str | None = None
    body: str | None = None
    status: Status | None = None
    priority: Priority | None = None
    assignee: str | None = None
    customer_email: str | None = None
    close_reason: str | None = None


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets to list, newest first. `words` must all occur in the subject, the body or the
    customer's address; `after` is the id of the last ticket of the page before."""

    status: Status | None = None
    words: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One page of tickets; `after` leads to the next one and is None on the last."""

    tickets: tuple[Ticket, ...]
    after: str | None


def is_ticket_id(value: str) -> bool:
    """Say whether a text has the form of a ticket's id."""
    return _ID.fullmatch(value) is not None


_ID: Final = re.compile(r"tck_[0-9a-f]{32}")

Subject = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SUBJECT_CHARS),
    Storable,
    Visible,
]
Body = Annotated[str, StringConstraints(max_length=MAX_BODY_CHARS), Storable]
Assignee = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=MAX_ASSIGNEE_CHARS), Storable
]
# Enough to tell an address from a name; whether it exists, only a letter to it shows.
Email = Annotated[
    str,
    StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$", max_length=MAX_EMAIL_CHARS),
    Storable,
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON_CHARS),
    Storable,
    Visible,
]
Cursor = Annotated[str, check_cursor(is_ticket_id)]
