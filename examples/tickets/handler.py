"""The entry point for AWS's runtime client: `examples.tickets.handler.handler`.

Importing it makes the app and connects, so that all of this happens while the function starts and
not in its first request.
"""

from examples.tickets.app import create_app
from sidestream.tool_server.adapter import lambda_handler

handler = lambda_handler(create_app)
