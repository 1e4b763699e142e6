"""The only door: the HTTP API."""
