"""What arrived, and whether it is whole.

Takes paths of raw FITS files, gives RawFrame records in the store and a report of
each file: new, known, or rejected with a reason. Never moves, copies or changes a
file, and never takes another content for a frame that it knows.
"""

from vltflow.ingest.report import Arrival, IngestReport, Outcome
from vltflow.ingest.run import run

__all__ = ["Arrival", "IngestReport", "Outcome", "run"]
