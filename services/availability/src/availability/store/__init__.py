"""The tables of availability: the catalogue, the calendars as of now, the reservations."""
