"""The event-sourced booking."""
