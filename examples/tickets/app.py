"""The ASGI app of the tickets' function: their tools and routes in a tool server."""

from starlette.applications import Starlette

from examples.tickets.repository import TicketRepository
from examples.tickets.rest import ticket_routes
from examples.tickets.tools import SERVER
from sidestream.config import Settings
from sidestream.store.database import Database
from sidestream.tool_server import app


def create_app(settings: Settings, database: Database | None = None) -> Starlette:
    """Make the app, on a database of its own unless one is given."""
    return app.create_app(SERVER, TicketRepository, ticket_routes, settings, database)
