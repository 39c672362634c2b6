"""The tickets, with an adopter's own functions beside them."""
