"""A process that reads files for ingestion: ``python -m vltflow.ingest.reader``."""

from __future__ import annotations

from vltflow.core.helpers import serve
from vltflow.ingest.reading import read_files

if __name__ == "__main__":
    serve(lambda definitions, files: read_files(files, definitions))
