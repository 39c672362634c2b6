"""What the model is told, and what it says."""
