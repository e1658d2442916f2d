"""`python -m vltflow` is the same as `vltflow`."""

from vltflow.cli import main

main()
