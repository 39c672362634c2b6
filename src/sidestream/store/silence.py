"""How a connection notices that its peer is gone without a word: one set of libpq's parameters, for
the pool of the functions and for migrations."""

from typing import Final

GIVES_UP: Final = {
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Seconds, and milliseconds for the last: a peer whose machine answers nothing is left after 45 s
of waiting, or 10 s after something was sent to it. libpq leaves out what a system does not have."""
