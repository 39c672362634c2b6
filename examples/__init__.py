"""What stands on the platform without being part of it."""
