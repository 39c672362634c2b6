"""Postgres: the one door to it, the ChatKit `Store`, runs and feedback.

Import the module you need: this package imports nothing, so that a tool server can use
`database` without loading ChatKit. SQL lives here and in a domain's repository only.
"""
