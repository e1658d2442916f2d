"""GIRAFFE as data: YAML files, and code that builds static tables. README.md names the sources."""
