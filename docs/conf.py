"""Sphinx configuration: the pages are Markdown, warnings are errors (`make docs`)."""

project = "vltflow"
copyright = "2026, the vltflow developers"  # noqa: A001 - Sphinx wants this name
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "vltflow"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
