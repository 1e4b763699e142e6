"""What notify knows and decides: who is told what about an appointment, and when."""
