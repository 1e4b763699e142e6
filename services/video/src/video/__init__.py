"""A meeting for a booking: one room per video appointment, given out to its people only."""
