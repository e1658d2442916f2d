"""Whatever comes in whatever order and portions, the ABs are the same in the end."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vltflow.associate import run
from vltflow.store import Store

_TEMPLATES = st.tuples(
    st.sampled_from(["BIAS", "DARK", "FLAT", "ARC", "STAR"]),
    st.integers(0, 60),
    st.integers(1, 3),
    st.sampled_from([1, 2]),
)


def _result(store):
    with store.read() as look:
        return look.blocks.find(instrument="TOY")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_TEMPLATES, min_size=1, max_size=14, unique=True),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.sets(st.integers(0, 40), max_size=3),
)
def test_order_and_portions_do_not_matter(  # noqa: PLR0917
    toy, frames, put, templates, random, portions, lost
):
    arriving = [
        frame
        for raw_type, place, count, binning in templates
        for frame in frames(raw_type, place / 4, count, binning=binning)
    ]
    arriving = [frame for number, frame in enumerate(arriving) if number not in lost]
    with tempfile.TemporaryDirectory() as folder:
        whole = Store(f"sqlite:///{folder}/whole.sqlite", str(Path(folder) / "vault"))
        parts = Store(f"sqlite:///{folder}/parts.sqlite", str(Path(folder) / "vault"))
        put(whole, arriving)
        run(whole, toy)
        random.shuffle(arriving)
        for portion in range(portions):
            put(parts, arriving[portion::portions])
            run(parts, toy)
            assert not run(parts, toy).changed
        assert _result(parts) == _result(whole)
        whole.close()
        parts.close()
