"""A user is an issuer and a subject: two sign-in services may both know an `alice`.

The first issuer's people have their subject as their id. Everybody else has an id made of both,
which no subject of the first one can be.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from sidestream.issuer import Issuer

_PREFIX: Final = "iss_"
_MADE: Final = re.compile(rf"{_PREFIX}[0-9a-f]{{64}}")


class UserIds:
    """The user ids of some issuers' people, by their order in the setting."""

    def __init__(self, issuers: Sequence[Issuer]) -> None:
        self._first = issuers[0].issuer if issuers else ""
        self._people = {each.issuer: each.same_users_as or each.issuer for each in issuers}

    def of(self, issuer: str, subject: str) -> str:
        """Give the id of whom an issuer knows by a subject, 68 characters or the subject itself."""
        people = self._people[issuer]
        # A subject that looks like an id that was made may not be somebody else's.
        if people == self._first and not _MADE.fullmatch(subject):
            return subject
        # The length says where the one ends and the other begins.
        both = f"{len(people)} {people}{subject}".encode()
        return _PREFIX + hashlib.sha256(both).hexdigest()
