"""The rules: what can be booked, when, and with whom. Pure: no clock, no database, no wire."""
