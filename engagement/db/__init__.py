"""SQL, the truth: engine, tables, migrations, and the stored side of ballots. Knows no feature."""
