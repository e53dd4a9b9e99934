"""`python -m dock2uk`."""

from .cli import main

main()
