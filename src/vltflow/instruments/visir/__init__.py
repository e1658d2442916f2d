"""VISIR as data; see README.md."""
