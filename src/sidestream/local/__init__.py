"""The cloud on a laptop.

Everything `make run` needs in place of AWS lives here: a Lambda emulator that streams, an embedded
Postgres, a scripted model and a sign-in. Only the command line imports it; product code never
knows that it is local.
"""
