"""The checks of `sidestream doctor`, one module per part of a system, each check a function."""
