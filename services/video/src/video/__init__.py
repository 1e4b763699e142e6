"""A meeting for a booking."""
