"""Comments under an article: threads, their order, their text."""
