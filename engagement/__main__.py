"""`python -m engagement`."""

from engagement.cli import main

main()
