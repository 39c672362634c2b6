"""ChatFunction: the ChatKit endpoint, its agent and everything a run needs."""
