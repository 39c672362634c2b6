"""The entry point for AWS's runtime client: `examples.tickets.handler.handler`.

Importing it reads the environment, makes the app and connects, so that all of this happens while
the function starts and not in its first request.
"""

from snapshot_restore_py import (  # type: ignore[import-untyped]
    register_after_restore,
    register_before_snapshot,
)

from examples.tickets.app import create_current_app
from sidestream.telemetry import write_one_line
from sidestream.tool_server.adapter import LambdaAdapter

write_one_line()
handler = LambdaAdapter(create_current_app)
register_before_snapshot(handler.before_snapshot)
register_after_restore(handler.after_restore)
