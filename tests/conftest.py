"""Fixtures that several test folders share."""

pytest_plugins = ["tests.postgres", "tests.system"]
