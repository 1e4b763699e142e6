"""What every service of Rendezvous needs once."""
