"""A module that declares an evaluation, for tests that say which."""

EVALUATION: object = None
