"""What a raw frame is.

Takes raw frames with their headers and the rules of an instrument, gives each its raw
type and setup; "unknown" is an answer, with the reason. Never guesses, never changes a
frame that belongs to an AB.
"""

from vltflow.classify.rules import Classification, classify
from vltflow.classify.run import run

__all__ = ["Classification", "classify", "run"]
