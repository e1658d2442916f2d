import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from vltflow.qc import report_page, run
from vltflow.records import BlockState, ProductState, QcFigure


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains about tags that do not close."""

    VOID = frozenset({"meta", "br", "link", "img", "path", "circle", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def _figure(name: str) -> QcFigure:
    return QcFigure(
        name=name, title=f"Title & {name}", kind="line", x=np.arange(50.0), y=np.arange(50.0),
        x_label="row [pixel]", y_label="level [ADU]", parameters=("QC LEVEL",),
    )  # fmt: skip


@pytest.fixture
def page(sqlite_store, small_instrument, add_block):
    bias = add_block(sqlite_store, "bias <1>", mjd=57079.9)
    add_block(
        sqlite_store, "dark", raw_type="DARK_BLUE", figures=[_figure("rows"), _figure("columns")],
        products={"MASTER_DARK_BLUE": {"QC RON": 9.0, "QC SLOPE": 1.0, "QC OTHER": 2.0}},
        calibrations=[("MASTER_BIAS_BLUE", 2, bias.products[0], "bias <1>")],
    )  # fmt: skip
    run(sqlite_store, small_instrument)
    return Page(report_page(sqlite_store, small_instrument, "dark").decode())


def test_the_page_says_what_a_person_asks_first(page):
    text = " ".join(page.words)
    for fact in ("dark", "DARK_BLUE", "1x1", "2015-02-26", "SUCCEEDED", "(1/1)", "not decided yet"):
        assert fact in text
    assert "9 is too high, wanted 1 to 4 (fixed limits; data sheet)" in text
    assert "known to follow the temperature" in text
    assert "no threshold is defined" in text


def test_the_page_names_calibrations_frames_and_parameters(page):
    text = " ".join(page.words)
    for fact in ("LP_MASTER_BIAS_BLUE_bias <1>_1.fits", "2: probably acceptable", "-0.25 days",
                 "LAMP.dark", "kappa", "5.0"):  # fmt: skip
        assert fact in text


def test_colours_are_words_as_well(page):
    scores = [
        attributes
        for tag, attributes in page.tags
        if tag == "td" and "score" in (attributes.get("class") or "")
    ]
    assert [one["class"] for one in scores] == ["score red", "score grey", "score grey"]
    assert "red" in page.words
    assert page.words.count("not scored") == 2


def test_pictures_say_what_they_show_and_headings_descend(page):
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 3 + 2
    assert all(attributes["role"] == "img" for attributes in pictures)
    titled = [attributes["aria-label"] for attributes in pictures if "aria-label" in attributes]
    assert titled == ["Title & rows", "Title & columns"]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_the_page_needs_nothing_from_outside(page):
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe"}
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_identifiers_are_unique_and_references_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 0
    wanted = {
        a["xlink:href"][1:] for _, a in page.tags if (a.get("xlink:href") or "").startswith("#")
    }
    assert wanted <= set(ids)


def test_a_partial_block_without_figures_has_a_page(sqlite_store, small_instrument, add_block):
    add_block(sqlite_store, "p", raw_type="BIAS_RED", products={}, state=BlockState.PARTIAL)
    (result,) = run(sqlite_store, small_instrument)
    text = " ".join(Page(report_page(sqlite_store, small_instrument, "p").decode()).words)
    assert "MASTER_BIAS_REDL not made" in text
    assert result.score == "(0/0)"


def test_trends_hold_the_certified_values_before(sqlite_store, small_instrument, add_block):
    earlier = add_block(sqlite_store, "earlier", mjd=57079.0)
    run(sqlite_store, small_instrument)
    with sqlite_store.write(by="test", why="history") as tx:
        tx.products.set_state(earlier.products[0].product_id, ProductState.CERTIFIED)
    add_block(sqlite_store, "later")
    run(sqlite_store, small_instrument)
    assert (
        "QC RON: 2 after 1 certified values; limits: 1 to 4"
        in report_page(sqlite_store, small_instrument, "later").decode()
    )
