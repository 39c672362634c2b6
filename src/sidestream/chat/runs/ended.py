"""What is told of a run that broke off, and did not come to its own end."""

from typing import Final

from sidestream.chat.context import EndReason
from sidestream.chat.failures import CLOSING, DEADLINE, DELETED, LOST

ENDED_EARLY: Final = {EndReason.DEADLINE: DEADLINE, EndReason.CLOSING: CLOSING}
"""What the person is told when it was the function that ended it."""

TAKEN_AWAY: Final = {EndReason.LOST: LOST, EndReason.DELETED: DELETED}
"""What is told of a run whose thread is no longer its own."""

NOT_MADE_NOTE: Final = "The answer broke off: the calls that waited for its end were not made."
"""What the model is told of calls that nobody makes any more."""
