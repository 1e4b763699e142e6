"""The event store, the personal tables and the list."""
