"""ESO's own rule files, where they are installed, and small ones written here."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARE = Path("/usr/share/cpl-plugins")
PIPELINES = ("uves", "giraf", "muse", "hawki", "visir", "vimos", "naco", "amber")


@pytest.fixture(params=PIPELINES)
def genuine(request) -> Path:
    """A rule file of ESO."""
    return genuine_file(request.param)


@pytest.fixture
def rules_of():
    """Gives the rule file of a pipeline of ESO."""
    return genuine_file


def genuine_file(pipeline: str) -> Path:
    found = sorted(SHARE.glob(f"{pipeline}-*/gasgano/config/{pipeline}.oca"))
    if not found:
        pytest.skip(f"ESO's rules are not installed (Debian package cpl-plugin-{pipeline})")
    return found[-1]
