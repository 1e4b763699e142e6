"""HTTP in, commands and queries out: one module a resource, and what they share."""
