"""A domain as small as one can be: one tool, one table."""
