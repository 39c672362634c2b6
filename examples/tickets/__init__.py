"""A help desk's tickets: a second domain, small and whole."""
