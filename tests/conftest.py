"""Fixtures that several test folders share, and what holds for every property test."""

from hypothesis import settings

pytest_plugins = ["tests.native_client", "tests.postgres", "tests.system"]

# A machine that is busy is no counterexample.
settings.register_profile("sidestream", deadline=None)
settings.load_profile("sidestream")
