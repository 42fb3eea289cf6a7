"""What the staff knows of readers, and does to them."""
