"""MUSE with all its 24 IFUs: 860 MB a frame, for machines with time and memory."""

from __future__ import annotations

from vltflow.simulate.muse import Muse

__all__ = ["MODEL"]

MODEL = Muse(range(1, 25))
