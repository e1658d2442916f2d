"""The command line: parses, calls flow or one room, prints. Decides nothing.

Exit code 0: done; 1: some work failed; 2: wrong use.
"""

from vltflow.cli.app import main

__all__ = ["main"]
