"""Real servers on one machine: PostgreSQL and NATS from wheels, as children that die with us."""
