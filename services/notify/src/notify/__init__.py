"""Messages and reminders."""
