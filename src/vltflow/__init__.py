"""From raw VLT frames to certified calibrations and science-ready products."""

__all__ = ["__version__"]

__version__ = "0.1.0"
