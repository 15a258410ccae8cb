"""Real clients of the HTTP API against the real server."""
