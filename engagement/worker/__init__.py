"""From the ledger and the outbox to SQL; the only writer of what was chosen."""
