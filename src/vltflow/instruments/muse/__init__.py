"""MUSE as data: YAML files, and code that builds its static calibrations. See README.md."""
