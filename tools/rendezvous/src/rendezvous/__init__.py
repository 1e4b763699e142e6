"""The rendezvous command: the whole system on one machine."""
