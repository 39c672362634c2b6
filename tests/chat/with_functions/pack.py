"""The tasks' pack, which names a module of functions."""

from dataclasses import replace
from typing import Final

from sidestream.domain import Domain
from sidestream.tasks import pack

DOMAIN: Final[Domain] = replace(pack.DOMAIN, functions="tests.chat.with_functions.functions")
