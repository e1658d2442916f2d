"""The order of the rooms, fixed here and nowhere else."""

ROOMS = ("ingest", "classify", "associate", "process", "qc", "certify", "archive")
"""From a raw file to a certified master; each room takes records from the store and gives some."""
