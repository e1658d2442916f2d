"""UVES as data: six YAML files, no code. README.md names the sources."""
