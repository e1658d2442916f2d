"""A process that reads files for ingestion: ``python -m vltflow.ingest.reader``.

Takes pickled (files, definitions) from standard input, one pair after the other, and
gives the pickled results on standard output. Ends when its input ends, so it never
outlives the process that started it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys

from vltflow.ingest.reading import read_files


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C is meant for the parent, whose end ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever prints by mistake must not come between the answers.
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            files, definitions = pickle.load(requests)  # noqa: S301 - from the parent
            pickle.dump(read_files(files, definitions), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


if __name__ == "__main__":
    main()
