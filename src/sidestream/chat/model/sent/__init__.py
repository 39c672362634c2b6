"""What is sent to a model, made fit for its provider: who takes what, and how it is written."""
