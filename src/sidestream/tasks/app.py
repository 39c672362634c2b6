"""The ASGI app of TasksFunction: the tasks' tools and routes in a tool server."""

from starlette.applications import Starlette

from sidestream.config import Settings
from sidestream.store.database import Database
from sidestream.tasks.repository import TaskRepository
from sidestream.tasks.rest import task_routes
from sidestream.tasks.tools import SERVER
from sidestream.tool_server import app


def create_app(settings: Settings, database: Database | None = None) -> Starlette:
    """Make the app, on a database of its own unless one is given."""
    return app.create_app(SERVER, TaskRepository, task_routes, settings, database)
