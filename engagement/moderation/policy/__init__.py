"""What may be written where, and why it is so."""
