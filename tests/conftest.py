"""Fixtures that several test folders share."""

pytest_plugins = ["tests.native_client", "tests.postgres", "tests.system"]
