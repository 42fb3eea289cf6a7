"""What is hot: tallies, choices, the ledger and rendered pages in Redis. Knows no feature and no SQL."""
