"""The tickets' pack, which names a module of functions."""

from dataclasses import replace
from typing import Final

from examples.tickets import pack
from sidestream.domain import Domain

DOMAIN: Final[Domain] = replace(pack.DOMAIN, functions="tests.chat.with_functions.functions")
