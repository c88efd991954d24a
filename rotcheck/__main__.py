"""`python -m rotcheck` is `rotcheck`."""

from rotcheck.cli.main import main

main()
