"""REST: the tickets of the person whose token it is."""

from typing import Final

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.tickets.repository import TicketRepository
from examples.tickets.ticket import (
    Assignee,
    Body,
    Cursor,
    Email,
    Priority,
    Reason,
    Status,
    Subject,
    TicketChanges,
    TicketDraft,
    TicketFilter,
)
from sidestream.identity import Verifier, path_segment
from sidestream.problems import Invalid
from sidestream.tool_server.fields import Limit, Query
from sidestream.tool_server.rest import (
    answer,
    idempotency_key,
    json_body,
    owner,
    page,
    query,
    valid,
)

DEFAULT_LIMIT: Final = 50


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _NewTicket(_Body):
    subject: Subject
    body: Body = ""
    priority: Priority = "normal"
    assignee: Assignee = ""
    customer_email: Email = ""


class _Patch(_Body):
    """A JSON merge patch (RFC 7396): what is absent stays."""

    subject: Subject = ""
    body: Body = ""
    status: Status = "open"
    priority: Priority = "normal"
    assignee: Assignee = ""
    customer_email: Email = ""
    close_reason: Reason = ""

    def changes(self) -> TicketChanges:
        return TicketChanges(**{name: getattr(self, name) for name in self.model_fields_set})


class _ListQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status | None = None
    q: Query = ""
    after: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


def ticket_routes(tickets: TicketRepository, people: Verifier) -> list[Route]:
    """Give `/api/{user_id}/tickets` and `/api/{user_id}/tickets/{ticket_id}`, for people whose
    tokens the verifier knows."""

    async def many(request: Request) -> Response:
        user_id = (await owner(request, people)).user_id
        if request.method == "POST":
            body = valid(_NewTicket, await json_body(request))
            draft = TicketDraft(**body.model_dump())
            ticket = await tickets.add(user_id, draft, idempotency_key(request))
            location = f"/api/{path_segment(user_id)}/tickets/{ticket.id}"
            return answer(ticket.document(), 201, {"location": location})
        asked = valid(_ListQuery, query(request))
        wanted = TicketFilter(asked.status, tuple(asked.q.split()), asked.after, asked.limit)
        found = await tickets.list(user_id, wanted)
        return page(request, (ticket.document() for ticket in found.tickets), found.after)

    async def one(request: Request) -> Response:
        user_id = (await owner(request, people)).user_id
        ticket_id = request.path_params["ticket_id"]
        if request.method == "DELETE":
            await tickets.delete(user_id, ticket_id)
            return Response(status_code=204)
        if request.method == "PATCH":
            changes = valid(_Patch, await json_body(request)).changes()
            if changes == TicketChanges():
                raise Invalid("Give at least one thing to change in the ticket.")
            return answer((await tickets.update(user_id, ticket_id, changes)).document())
        return answer((await tickets.get(user_id, ticket_id)).document())

    path = "/api/{user_id:path}/tickets"
    return [
        Route(path, many, methods=["GET", "POST"]),
        Route(f"{path}/{{ticket_id}}", one, methods=["GET", "PATCH", "DELETE"]),
    ]
