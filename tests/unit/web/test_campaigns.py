"""Campaigns: pages, their JSON, the report that may do nothing, mistaken and hostile input."""

import json

import pytest

from vltflow.flow.selection import Selection
from vltflow.records import Batch, BatchState, BlockState, Campaign, Download

SCRIPT = "<script>alert(1)</script>"
NUMBERS = {
    "science": 3, "nights": 1, "targets": 2, "states": {"SUCCEEDED": 1, "BLOCKED": 2},
    "decisions": {"AUTO": 1}, "jobs": 4, "failed_now": 0, "certified_now": 1, "archived_now": 3,
    "published_now": 1, "reopened": 0, "elapsed_s": 20.0, "jobs_per_hour": 720.0,
    "cores_used": 0.5,
}  # fmt: skip


@pytest.fixture
def declare(web):
    """Function that puts a campaign and its batches (month, state, report) into the store."""

    def declared(name, *batches, instrument="LAMP", numbers=NUMBERS, selection=None):
        with web.store.write(by="test", why="test") as tx:
            text = (selection or Selection()).to_json()
            tx.campaigns.add(Campaign(name, instrument, text, "2015-03-01T12:00:00.000", SCRIPT))
            for month, state, report in batches:
                batch = Batch(
                    name, month, state, "context", "2015-03-01T12:00:00.000",
                    ended="2015-03-01T12:00:20.000" if report else "",
                    elapsed_s=20.0 if report else None,
                    numbers=json.dumps(numbers if report else {}),
                    report=web.store.vault.put_bytes(report) if report else "",
                )  # fmt: skip
                tx.campaigns.put_batch(batch)
        return web

    return declared


def test_before_the_first_campaign_the_page_says_how_to_begin(web):
    assert "No campaigns yet" in web.text("/campaigns")
    assert web.get("/api/campaigns").json() == []


def test_the_history_has_each_month_in_its_place(declare):
    web = declare(
        "UVES deep", ("2014-12", BatchState.DONE, b"x"), ("2015-02", BatchState.RUNNING, b"")
    )
    page = web.text("/campaigns")
    assert "/campaigns/UVES%20deep/2014-12" in page
    assert "1/3" in page
    batches = web.get("/api/campaigns/UVES deep").json()["batches"]
    assert [(one["month"], one["word"]) for one in batches] == [
        ("2014-12", "waits"), ("2015-02", "running"),
    ]  # fmt: skip
    assert "2015-02" in web.text("/campaigns/UVES deep")
    assert "720" in web.text("/campaigns/UVES deep?year=2014")
    assert "None." in web.text("/campaigns/UVES deep?year=1999")


def test_a_batch_that_runs_for_the_first_time_has_a_page(declare):
    web = declare("deep", ("2015-02", BatchState.RUNNING, b""))
    assert "the run has not ended" in web.text("/campaigns/deep/2015-02")
    assert web.get("/campaigns/deep/2015-02/report").status_code == 404


def test_a_batch_shows_all_its_runs_when_the_latest_had_nothing_to_make(declare):
    idle = {"jobs": 0, "certified_now": 0, "jobs_per_hour": 0.0, "cores_used": 0.0}
    numbers = NUMBERS | idle | {"all_runs": NUMBERS}
    web = declare("deep", ("2015-02", BatchState.DONE, b"x"), numbers=numbers)
    page = web.text("/campaigns/deep/2015-02")
    assert "4, 0 failed; the latest run had nothing to make" in page
    assert "720 jobs an hour" in page
    assert "720" in web.text("/campaigns/deep")


def test_a_batch_tells_what_failed_with_the_way_there(declare, add_block):
    web = declare("deep", ("2015-02", BatchState.DONE, b"x"), ("2015-03", BatchState.DONE, b"x"))
    add_block(web.store, "A", products={}, state=BlockState.FAILED)
    with web.store.write(by="test", why="test") as tx:
        tx.blocks.set_problem("A", SCRIPT)
    page = web.text("/campaigns/deep/2015-02")
    assert '<a href="/ab/A">A</a>' in page
    assert "FAILED: &lt;script&gt;" in page
    assert 'rel="next"' in page
    [problem] = web.get("/api/campaigns/deep/2015-02").json()["now"]["problems"]
    assert (problem["block"], problem["where"].split()[0]) == ("A", "BIAS_BLUE")


def test_a_report_may_do_nothing_but_be_looked_at(declare):
    web = declare("deep", ("2015-02", BatchState.DONE, f"<p>kept {SCRIPT}".encode()))
    answer = web.get("/campaigns/deep/2015-02/report")
    assert "kept" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")
    assert "script-src" not in policy


def test_downloads_are_counted_by_month(shop, declare):
    web = declare("deep", (shop.quasar.night[:7], BatchState.DONE, b"x"), instrument="UVES")
    with web.store.write(by="anybody", why="download") as tx:
        for file_id in ("a" * 64, "a" * 64, "b" * 64):
            tx.downloads.add(
                Download(shop.quasar.science_id, file_id, "2015-03-01T12:00:00.000", "")
            )
    year = int(shop.quasar.night[:4])
    with web.store.read() as tx:
        counts = tx.downloads.by_month("UVES", year)
        assert tx.downloads.by_month("UVES", year + 1) == {}
        assert tx.downloads.by_month("LAMP", year) == {}
    assert {month: (one.files, one.distinct) for month, one in counts.items()} == {
        shop.quasar.night[:7]: (3, 2)
    }
    assert '<td class="n">3</td></tr>' in web.text("/campaigns/deep")


def test_texts_of_others_are_shown_as_text(declare):
    name = "<img src=x onerror=alert(1)>"
    chosen = Selection(targets=(SCRIPT,))
    web = declare(name, ("2015-02", BatchState.DONE, b"x"), selection=chosen)
    for address in ("/campaigns", f"/campaigns/{name}", f"/campaigns/{name}/2015-02"):
        page = web.text(address)
        assert "<img src=x" not in page
        assert SCRIPT not in page
        assert "&lt;script&gt;alert(1)" in page
    picture = web.text(f"/campaigns/{name}/2015-02/statistics")
    assert "<img src=x" not in picture
    assert "&lt;img src=x onerror=alert(1)&gt;" in picture


MISTAKES = (
    ("/campaigns/nothing", 404),
    ("/campaigns/deep/2015-13", 404),
    ("/campaigns/deep/2015-03/report", 404),
    ("/campaigns/deep?year=-1", 422),
    ("/campaigns/deep?year=99999", 422),
    ("/api/campaigns/deep/<script>alert(1)", 404),
    ("/campaigns/deep/2015-03/statistics", 404),
)


def test_mistaken_addresses_get_a_clear_answer(declare):
    web = declare("deep", ("2015-02", BatchState.DONE, b"x"))
    for path, status in MISTAKES:
        answer = web.get(path)
        assert answer.status_code == status
        assert "<script>alert" not in answer.text or path.startswith("/api/")
