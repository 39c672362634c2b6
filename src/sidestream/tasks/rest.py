"""REST for the page: the tasks of the person whose token it is.

Takes the identity provider's JWTs alone: a tool token was made for the MCP server and a session
token for the chat. Somebody else's path is a 403; a task that is not there and one that is not
yours are the same 404.
"""

import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sidestream.identity import Verifier, bearer_token, check_owner, path_segment
from sidestream.problems import BadRequest, Invalid
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.requests import check_json
from sidestream.tasks.task import (
    Cursor,
    DueAt,
    IdempotencyKey,
    Limit,
    Notes,
    Query,
    TaskChanges,
    TaskDraft,
    TaskFilter,
    Title,
)

DEFAULT_LIMIT: Final = 50

_NO_STORE: Final = {"cache-control": "no-store"}
_KEY: Final = TypeAdapter[str](IdempotencyKey)


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _NewTask(_Body):
    title: Title
    notes: Notes = ""
    due_at: DueAt | None = None


class _Patch(_Body):
    """A JSON merge patch (RFC 7396): what is absent stays; null takes a due time away."""

    title: Title = ""
    notes: Notes = ""
    completed: bool = False
    due_at: DueAt | None = None

    def changes(self) -> TaskChanges:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return TaskChanges(**given, clear_due_at="due_at" in given and given["due_at"] is None)


class _ListQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    completed: bool | None = None
    q: Query = ""
    after: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class TaskRoutes:
    """`/api/{user_id}/tasks` and `/api/{user_id}/tasks/{task_id}`."""

    def __init__(self, tasks: TaskRepository, verifier: Verifier) -> None:
        self._tasks = tasks
        self._verifier = verifier

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
        user_id = await self._owner(request)
        query = _valid(_ListQuery, _single_values(request))
        words = tuple(query.q.split())
        page = await self._tasks.list(
            user_id, TaskFilter(query.completed, words, query.after, query.limit)
        )
        data = [task.document() for task in page.tasks]
        return _json({"data": data, "has_more": page.after is not None, "after": page.after})

    async def add(self, request: Request) -> Response:
        """Make a task: 201, also for a repetition with the same `Idempotency-Key`."""
        user_id = await self._owner(request)
        body = _valid(_NewTask, await _json_body(request))
        draft = TaskDraft(body.title, body.notes, body.due_at)
        task = await self._tasks.add(user_id, draft, _idempotency_key(request))
        location = f"/api/{path_segment(user_id)}/tasks/{task.id}"
        return _json(task.document(), 201, {"location": location})

    async def get(self, request: Request) -> Response:
        """Give one task."""
        user_id = await self._owner(request)
        task = await self._tasks.get(user_id, request.path_params["task_id"])
        return _json(task.document())

    async def update(self, request: Request) -> Response:
        """Change what the body names and give the task as it is now."""
        user_id = await self._owner(request)
        changes = _valid(_Patch, await _json_body(request)).changes()
        if changes == TaskChanges():
            raise Invalid("Give at least one of title, notes, completed and due_at.")
        task = await self._tasks.update(user_id, request.path_params["task_id"], changes)
        return _json(task.document())

    async def delete(self, request: Request) -> Response:
        """Delete a task: 204."""
        user_id = await self._owner(request)
        await self._tasks.delete(user_id, request.path_params["task_id"])
        return Response(status_code=204)

    async def _owner(self, request: Request) -> str:
        subject = await self._verifier.subject(bearer_token(request.headers))
        check_owner(request.path_params["user_id"], subject)
        return subject


async def _json_body(request: Request) -> Any:
    check_json(request.headers, "application/merge-patch+json")
    try:
        # Some programs put a byte order mark before JSON (RFC 8259, 8.1).
        text = (await request.body()).decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _single_values(request: Request) -> dict[str, str]:
    values = dict(request.query_params.multi_items())
    if len(values) != len(request.query_params.multi_items()):
        raise Invalid("A query parameter is given twice.")
    return values


def _valid[ModelT: BaseModel](model: type[ModelT], value: Any) -> ModelT:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        raise Invalid(errors=[_field_error(item["loc"], item["msg"]) for item in details]) from None


def _field_error(location: tuple[int | str, ...], message: str) -> dict[str, Any]:
    # The location may hold a key of the client's making, which need not be valid Unicode.
    parts = [
        part.encode(errors="replace").decode() if isinstance(part, str) else part
        for part in location
    ]
    return {"loc": parts, "msg": message}


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    try:
        return _KEY.validate_python(key)
    except ValidationError:
        raise Invalid("The Idempotency-Key is 1 to 200 visible ASCII characters.") from None


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(document, status, headers={**_NO_STORE, **(headers or {})})
