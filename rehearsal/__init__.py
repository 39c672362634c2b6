"""A deployment rehearsed: the unmodified `sam deploy` against a stand-in for AWS on this machine.

`python -m rehearsal` (`make rehearse`) deploys, updates, breaks, mends and deletes, and looks at
what is there after each step. What a stand-in cannot show is in docs/operations.md.
"""
