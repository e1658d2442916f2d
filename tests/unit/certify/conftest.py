from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from vltflow.records import Colour, Score
from vltflow.store import Store


@pytest.fixture
def judge() -> Callable[..., None]:
    """Function that records scores and a report of an AB, as the room before does."""

    def scored(store: Store, made, *colours: Colour) -> None:
        block = made.block
        scores = [
            Score(
                block.name, block.revision, "M", f"QC {number}", 1.0, 0.0, 2.0, colour, "FIXED", ""
            )
            for number, colour in enumerate(colours)
        ]
        with store.write(by="qc", why="test") as tx:
            tx.quality.set_scores(block.name, block.revision, scores)
            now = datetime.now(UTC).isoformat()
            tx.quality.set_report(block.name, block.revision, "0" * 64, now)

    return scored
