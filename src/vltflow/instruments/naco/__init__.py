"""NACO as data; see README.md."""
