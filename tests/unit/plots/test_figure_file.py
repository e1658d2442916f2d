import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vltflow.core.errors import UnreadableFile
from vltflow.plots import load_figures, save_figures
from vltflow.records import QcFigure

FIGURE = QcFigure(
    name="rows", title="Row medians", kind="line", x=np.arange(5), y=np.linspace(0, 1, 5),
    x_label="row [pixel]", y_label="level [ADU]",
    parameters=("QC A", "QC B"), marks={"median": 0.5},
)  # fmt: skip
IMAGE = replace(FIGURE, name="image", kind="image", x=np.empty(0), y=np.ones((3, 4), np.float32))


def _same(one: QcFigure, other: QcFigure) -> bool:
    names = ("name", "title", "kind", "x_label", "y_label", "parameters", "marks")
    texts = all(getattr(one, name) == getattr(other, name) for name in names)
    kinds = one.x.dtype == other.x.dtype and one.y.dtype == other.y.dtype
    values = np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y, equal_nan=True)
    return texts and kinds and values


@pytest.mark.slow
@given(arrays(np.float64, 7), st.dictionaries(st.text(), st.floats(allow_nan=False)), st.text())
def test_figures_come_back_as_they_were_saved(tmp_path_factory, y, marks, title):
    path = tmp_path_factory.getbasetemp() / "figures.npz"
    figure = replace(FIGURE, x=np.arange(7), y=y, marks=marks, title=title)
    save_figures(path, [figure, IMAGE])
    for loaded in (load_figures(path), load_figures(path.read_bytes())):
        assert len(loaded) == 2
        assert _same(loaded[0], figure)
        assert _same(loaded[1], IMAGE)


def test_equal_figures_give_equal_bytes_and_no_figures_are_a_file_too(tmp_path):
    sums = [save_figures(tmp_path / name, [FIGURE, IMAGE]) for name in ("a", "b")]
    assert sums == 2 * [hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    save_figures(tmp_path / "none", [])
    assert load_figures(tmp_path / "none") == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "none"]


@pytest.mark.parametrize(
    "broken",
    [
        replace(FIGURE, x=np.arange(4)),
        replace(FIGURE, kind="histogram"),
        replace(FIGURE, kind="image"),
        replace(IMAGE, kind="line"),
    ],
)
def test_arrays_must_fit_their_kind(tmp_path, broken):
    with pytest.raises(ValueError, match="arrays of shapes"):
        save_figures(tmp_path / "f", [broken])
    assert list(tmp_path.iterdir()) == []


def test_names_must_differ(tmp_path):
    with pytest.raises(ValueError, match="different names"):
        save_figures(tmp_path / "f", [FIGURE, FIGURE])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"x" * 100])
def test_what_is_no_figure_file_is_refused(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    for source in (content, tmp_path / "f"):
        with pytest.raises(UnreadableFile, match="holds no QC figures"):
            load_figures(source)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    save_figures(tmp_path / "f", [FIGURE])
    whole = (tmp_path / "f").read_bytes()
    for length in range(0, len(whole), 37):
        with pytest.raises(UnreadableFile):
            load_figures(whole[:length])
