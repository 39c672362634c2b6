"""What is told of a run that its function ended, and not its person or its model."""

from typing import Final

from sidestream.chat.context import EndReason
from sidestream.chat.failures import CLOSING, DEADLINE, DELETED, LOST

ENDED_EARLY: Final = {EndReason.DEADLINE: DEADLINE, EndReason.CLOSING: CLOSING}
TAKEN_AWAY: Final = {EndReason.LOST: LOST, EndReason.DELETED: DELETED}
"""What is told of a run whose thread is no longer its own."""
