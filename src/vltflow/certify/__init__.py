"""Certify: decides whether the products of an AB may be used.

Takes the scores of ABs and people's decisions; gives verdicts with a name and a
comment, changes the state of products, lists what a decision has consequences for.
Never measures, and never changes what was made with a product that lost its trust.
"""

from vltflow.certify.consequences import Consequence, consequences
from vltflow.certify.decide import Decided, decide
from vltflow.certify.rules import automatic
from vltflow.certify.run import run
from vltflow.certify.waiting import Waiting, waiting

__all__ = [
    "Consequence",
    "Decided",
    "Waiting",
    "automatic",
    "consequences",
    "decide",
    "run",
    "waiting",
]
