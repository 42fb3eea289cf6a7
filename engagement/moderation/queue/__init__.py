"""Cases, queues of them, and who is at which."""
