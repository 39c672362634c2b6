"""What is told of a run that broke off, and did not come to its own end."""

from typing import Final

from sidestream.chat.context import EndReason
from sidestream.chat.failures import CLOSING, DEADLINE, DELETED, LOST, TOO_LONG

ENDED_EARLY: Final = {
    EndReason.DEADLINE: DEADLINE,
    EndReason.CLOSING: CLOSING,
    EndReason.TOO_LONG: TOO_LONG,
}
"""What the person is told when it was not they who ended it, nor the model."""

TAKEN_AWAY: Final = {EndReason.LOST: LOST, EndReason.DELETED: DELETED}
"""What is told of a run whose thread is no longer its own."""

NOT_MADE_NOTE: Final = "The answer broke off: the calls that waited for its end were not made."
"""What the model is told of calls that nobody makes any more."""
