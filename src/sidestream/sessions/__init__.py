"""The session issuer: what the page shows for its requests to the chat, and how it gets it."""
