"""What the services of Rendezvous say to each other."""
