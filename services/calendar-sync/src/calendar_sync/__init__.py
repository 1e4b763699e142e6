"""Bookings into outside calendars, and ICS feeds."""
