"""What goes over the wire: requests, frames, streams."""
