"""Hosts, appointment types, slots and reservations."""
