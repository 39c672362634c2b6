"""REST for the page: the tasks of the person whose token it is. A task that is not there and one
that is not yours are the same 404.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sidestream.caller import Caller
from sidestream.identity import Verifier, path_segment
from sidestream.problems import Invalid
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.task import (
    Cursor,
    DueAt,
    Notes,
    TaskChanges,
    TaskDraft,
    TaskFilter,
    Title,
)
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


class _NewTask(_Body):
    title: Title
    notes: Notes = ""
    due_at: DueAt | None = None


class _Patch(_Body):
    """A JSON merge patch (RFC 7396): what is absent stays; null takes a due date away."""

    title: Title = ""
    notes: Notes = ""
    completed: bool = False
    due_at: DueAt | None = None

    def changes(self) -> TaskChanges:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        clears = "due_at" in given and self.due_at is None
        return TaskChanges(**given, clear_due_at=clears)


class _ListQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    completed: bool | None = None
    q: Query = ""
    after: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class TaskRoutes:
    """`/api/{user_id}/tasks` and `/api/{user_id}/tasks/{task_id}`."""

    def __init__(self, tasks: TaskRepository, people: Verifier) -> None:
        self._tasks = tasks
        self._people = people

    def routes(self) -> list[Route]:
        """Give the routes, to mount in an app that runs `Problem` into a response."""
        # An encoded slash of the user id has become one before a route is looked for, here and in
        # some gateways; a task's id has none.
        many = "/api/{user_id:path}/tasks"
        one = f"{many}/{{task_id}}"
        return [
            Route(many, self._many, methods=["GET", "POST"]),
            Route(one, self._one, methods=["GET", "PATCH", "DELETE"]),
        ]

    async def _many(self, request: Request) -> Response:
        # One route for all methods, so that a 405 names them all.
        return await (self.add if request.method == "POST" else self.list)(request)

    async def _one(self, request: Request) -> Response:
        methods = {"PATCH": self.update, "DELETE": self.delete}
        return await methods.get(request.method, self.get)(request)

    async def list(self, request: Request) -> Response:
        """Give `{data, has_more, after}`, newest first."""
        user_id = (await self._owner(request)).user_id
        asked = valid(_ListQuery, query(request))
        words = tuple(asked.q.split())
        found = await self._tasks.list(
            user_id, TaskFilter(asked.completed, words, asked.after, asked.limit)
        )
        return page(request, (task.document() for task in found.tasks), found.after)

    async def add(self, request: Request) -> Response:
        """Make a task: 201, also for a repetition with the same `Idempotency-Key`."""
        owner = await self._owner(request)
        body = valid(_NewTask, await json_body(request), owner.time_zone)
        draft = TaskDraft(body.title, body.notes, body.due_at)
        task = await self._tasks.add(owner.user_id, draft, idempotency_key(request))
        location = f"/api/{path_segment(owner.user_id)}/tasks/{task.id}"
        return answer(task.document(), 201, {"location": location})

    async def get(self, request: Request) -> Response:
        """Give one task."""
        user_id = (await self._owner(request)).user_id
        task = await self._tasks.get(user_id, request.path_params["task_id"])
        return answer(task.document())

    async def update(self, request: Request) -> Response:
        """Change what the body names and give the task as it is now."""
        owner = await self._owner(request)
        body = valid(_Patch, await json_body(request), owner.time_zone)
        changes = body.changes()
        if changes == TaskChanges():
            raise Invalid("Give at least one of title, notes, completed and due_at.")
        task = await self._tasks.update(owner.user_id, request.path_params["task_id"], changes)
        return answer(task.document())

    async def delete(self, request: Request) -> Response:
        """Delete a task: 204."""
        user_id = (await self._owner(request)).user_id
        await self._tasks.delete(user_id, request.path_params["task_id"])
        return Response(status_code=204)

    async def _owner(self, request: Request) -> Caller:
        return await owner(request, self._people)


def task_routes(tasks: TaskRepository, people: Verifier) -> list[Route]:
    """Give the routes of the tasks, for people whose tokens the verifier knows."""
    return TaskRoutes(tasks, people).routes()
