"""What the model may do: calls, their trace, questions about them, cards."""
