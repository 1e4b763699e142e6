"""The tables of notify. `now` is the injected clock's; leases run on the database's own."""
