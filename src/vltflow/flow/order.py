"""The order of the rooms, fixed here and nowhere else."""

ROOMS = ("ingest", "classify", "associate", "process", "qc", "certify", "archive", "publish")
"""From a raw file to a certified master and a science product; each takes and gives records."""
