"""What moderators decide on comments, and what follows."""
