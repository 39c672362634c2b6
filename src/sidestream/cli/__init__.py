"""The command line, `sidestream`. One module per command; this one joins them.

Commands import what they need when they run, so that the small ones answer at once.
"""

from sidestream.cli.app import app, main

__all__ = ["app", "main"]
