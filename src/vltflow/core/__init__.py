"""Errors, time, identifiers: what every floor of the house stands on.

Takes nothing of ours, gives names and small pure functions.
"""
