"""Model servers that others wrote, and the whole chat in front of them."""
