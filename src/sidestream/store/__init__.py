"""Postgres: the one door to it, the ChatKit `Store`, runs and feedback.

Import the module you need: this package imports nothing, so that the task functions can use
`database` without loading ChatKit. SQL lives here and in `tasks/repository.py` only.
"""
