"""The AB monitor."""

import re

import pytest

from vltflow.core.errors import StoreError

MONITOR = "/monitor/LAMP/2015-02-26"


@pytest.fixture
def night(web, add_judged, add_block):
    add_judged(web.store, "A_red", mjd=57080.0)
    add_block(web.store, "B_plain", mjd=57080.1, complete=False)
    return web


def test_a_row_has_the_columns_of_eso_s_monitor(night) -> None:
    page = night.text(MONITOR)
    row = re.search(r"<tr id=\"\w+\" data-row>(?:(?!</tr>).)*A_red.*?</tr>", page, re.DOTALL)[0]
    for word in ("BIAS_BLUE", "1x1", "bias", "SUCCEEDED", "(1/1)", "waits for a person"):
        assert word in row
    assert "/ab/A_red/report" in row


def test_the_header_line_counts(night) -> None:
    found = night.get("/api/monitor/LAMP/2015-02-26").json()["counts"]
    assert found == {
        "created": 2, "processed": 2, "scored": 1, "failed": 0, "incomplete": 1, "red": 1,
        "waiting": 1, "certified": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["A_red", "B_plain"]),
        ("?q=PLAIN+bias", ["B_plain"]),
        ("?score=red", ["A_red"]),
        ("?score=none", ["B_plain"]),
        ("?complete=no", ["B_plain"]),
        ("?certification=waits", ["A_red"]),
        ("?kind=science", []),
        ("?status=FAILED", []),
        ("?sort=-index", ["B_plain", "A_red"]),
        ("?sort=-score", ["A_red", "B_plain"]),
        ("?sort=nonsense", ["A_red", "B_plain"]),
    ],
)
def test_filters_and_order_are_in_the_address(night, query: str, names: list[str]) -> None:
    found = night.get("/api/monitor/LAMP/2015-02-26" + query).json()["rows"]
    assert [row["ab"] for row in found] == names


def test_nothing_is_sent_while_nothing_changes(night) -> None:
    since = night.get("/api/monitor/LAMP/2015-02-26").json()["event"]
    assert night.get(f"{MONITOR}/changes?since={since}").status_code == 204


def test_only_changed_rows_are_sent(night, change_block) -> None:
    since = night.get("/api/monitor/LAMP/2015-02-26").json()["event"]
    change_block(night.store, "B_plain", "lamp was off")
    part = night.text(f"{MONITOR}/changes?since={since}")
    assert "lamp was off" in part
    assert "A_red" not in part
    assert part.count('hx-swap-oob="true"') == 2  # the row and the header line


def test_the_whole_table_is_sent_when_an_ab_is_new(night, add_block) -> None:
    since = night.get("/api/monitor/LAMP/2015-02-26").json()["event"]
    add_block(night.store, "C_new", mjd=57080.2)
    part = night.text(f"{MONITOR}/changes?since={since}")
    assert 'id="table" hx-swap-oob="true"' in part
    assert "A_red" in part


def test_an_equal_page_is_not_sent_twice(night) -> None:
    first = night.get("/api/monitor/LAMP/2015-02-26")
    again = night.get(
        "/api/monitor/LAMP/2015-02-26", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_an_empty_night_and_an_unknown_one_say_so(night) -> None:
    assert "No ABs in this night yet" in night.text("/monitor/LAMP/2015-03-10")
    assert "is no night" in night.text("/monitor/LAMP/yesterday", 404)
    assert "nothing of PHANTOM" in night.text("/monitor/PHANTOM/2015-02-26", 404)


def test_no_data_at_all_is_no_error(web) -> None:
    assert "No data yet" in web.text("/monitor")


def test_a_busy_store_is_told_and_asks_to_come_back(night, monkeypatch) -> None:
    def busy():
        raise StoreError("the registry is busy")

    monkeypatch.setattr(night.store, "read", busy)
    answer = night.get(MONITOR)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
