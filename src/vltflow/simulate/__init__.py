"""Raw frames with their truth: nights, defects and drifts of simulated instruments.

Takes an instrument and a night; gives raw FITS frames as ESO's archive has them and, beside
each, the truth that went in. Never knows the code that is judged by them.
"""

from vltflow.simulate.choice import chosen_science, sciences
from vltflow.simulate.day import SimulatedDay, simulate_day
from vltflow.simulate.defects import DEFECTS
from vltflow.simulate.headers import headers_only
from vltflow.simulate.models import instrument_names

INSTRUMENTS = instrument_names()

__all__ = [
    "DEFECTS", "INSTRUMENTS", "SimulatedDay", "chosen_science", "headers_only", "sciences",
    "simulate_day",
]  # fmt: skip
