"""AMBER as data: YAML files, no code. README.md names the sources."""
