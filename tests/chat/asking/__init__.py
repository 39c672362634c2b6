"""A domain whose server, made with nothing of ours, asks people in every way the protocol has."""
