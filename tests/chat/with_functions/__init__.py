"""The tasks, with an adopter's own functions beside them."""
