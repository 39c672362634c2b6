"""The error that a person who starts the local system reads."""


class LocalSystemError(RuntimeError):
    """The local system could not start; the text is for the person who started it."""
