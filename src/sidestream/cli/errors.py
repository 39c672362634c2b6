"""The errors that end a command with a sentence and exit code 1."""


class CommandError(Exception):
    """A command cannot do what was asked. The text is for the person who asked."""
