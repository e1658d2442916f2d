"""Mass production by the month, as an archive scientist runs it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from vltflow.core.site import load_site
from vltflow.instruments import loader
from vltflow.records import BlockState, QcValue
from vltflow.store import Store
from vltflow.web.application import application
from vltflow.web.service import Service

pytestmark = pytest.mark.slow
BOTH = ("LAMP", "--from", "2010-10", "--to", "2010-11")


def products(observatory, *states):
    """Category, block and content of all products in these states."""
    opened = load_site(observatory.site)
    store = Store(opened.database, opened.vault)
    with store.read() as tx:
        blocks = tx.blocks.find(instrument="LAMP")
        made = tx.products.of_blocks([block.name for block in blocks])
    store.close()
    return sorted(
        (one.category, one.block, one.file_id)
        for several in made.values()
        for one in several
        if not states or str(one.state) in states
    )


def by_month(rows):
    return {row["month"]: row for row in rows}


def test_a_plan_says_what_would_be_made_with_what_and_makes_nothing(on, two_months):
    plan = by_month(on("campaign", "plan", *BOTH, "--complete", "--json"))
    assert plan["2010-10"]["science"] == 4
    assert len(plan["2010-10"]["to_make"]) == 4
    assert len(plan["2010-10"]["masters_first"]) == 2
    assert plan["2010-10"]["levels"] == {"0": 4}
    assert plan["2010-11"]["levels"] == {"2": 1}
    assert plan["2010-10"]["seconds"] is None
    assert plan["2010-10"]["untimed"] == ["bias", "science"]
    assert products(two_months) == []


def test_without_complete_science_waits_for_masters(on, two_months):
    (plan,) = on("campaign", "plan", "LAMP", "--from", "2010-10", "--json")
    assert plan["to_make"] == []
    assert plan["waiting"] == 4
    reports = on("campaign", "run", *BOTH, "--json")
    assert [one["jobs"] for one in reports] == [0, 0]
    assert products(two_months) == []


def test_complete_mode_makes_the_masters_and_then_the_science(on, two_months):
    first, second = on("campaign", "run", *BOTH, "--complete", "--json", code=1)
    assert first["states"] == {"FAILED": 1, "SUCCEEDED": 3}
    assert (first["jobs"], first["failed_now"], first["certified_now"]) == (6, 1, 5)
    assert second["states"] == {"SUCCEEDED": 1}
    assert second["for_the_eye"] != []  # its bias is 27 days away
    assert len(products(two_months, "CERTIFIED")) == 2 + 3
    plan = by_month(on("campaign", "plan", *BOTH, "--complete", "--json"))
    assert plan["2010-10"]["to_make"] == []


def test_masters_of_the_nights_are_used_without_complete(on, two_months):
    for night in ("2010-10-03", "2010-10-04"):
        on("night", night, code=0 if night.endswith("3") else 1)
    (report,) = on("campaign", "run", "LAMP", "--from", "2010-11", "--json")
    assert report["jobs"] == 1
    # All of October was made by the nights: there is no pace to tell.
    (report,) = on("campaign", "run", "LAMP", "--from", "2010-10", "--to", "2010-10", "--json")
    assert (report["all_runs"]["jobs"], report["all_runs"]["jobs_per_hour"]) == (0, None)


def test_a_second_run_does_nothing_and_new_data_of_a_done_month_are_made(on, two_months):
    on("campaign", "run", *BOTH, "--complete", code=1)
    again = on("campaign", "run", *BOTH, "--complete", "--json")
    assert [one["jobs"] for one in again] == [0, 0]
    runs = [one["all_runs"] for one in again]
    assert [(one["jobs"], one["failed_now"]) for one in runs] == [(6, 1), (1, 0)]
    assert all(one["jobs_per_hour"] > 0 for one in runs)
    two_months.expose("2010-10-04T23:50:00", 170.0, target="HE9")
    on("ingest", str(two_months.raw))
    third = by_month(on("campaign", "run", *BOTH, "--complete", "--json"))
    assert {month: one["jobs"] for month, one in third.items()} == {"2010-10": 1, "2010-11": 0}
    assert third["2010-10"]["science"] == 5
    assert third["2010-10"]["all_runs"]["jobs"] == 7


def test_science_is_made_anew_when_a_nearer_calibration_came_and_nothing_else_is(on, observatory):
    observatory.night("2010-10-03", {"HE1": 50})
    observatory.night("2010-10-04", {"HE2": 60, "Dark": 0}, bias=False)
    on("ingest", str(observatory.raw))
    words = ("LAMP", "--from", "2010-10")
    on("campaign", "run", *words, "--complete", code=1)
    before = products(observatory)
    observatory.expose("2010-10-04T22:00:00", 90.0)
    on("ingest", str(observatory.raw))
    (waiting,) = on("campaign", "plan", *words, "--json")
    (plan,) = on("campaign", "plan", *words, "--complete", "--json")
    assert (waiting["better"], len(plan["better"])) == ([], 2)
    (report,) = on("campaign", "run", *words, "--complete", "--json")
    assert (report["reopened"], report["jobs"]) == (2, 3)
    assert report["states"] == {"SUCCEEDED": 3}  # by its own bias, the dark frame has light
    after = products(observatory)
    assert set(before) < set(after)
    ((_, block, _),) = products(observatory, "SUPERSEDED")
    assert block in plan["better"]
    (again,) = on("campaign", "run", *words, "--complete", "--json")
    assert (again["reopened"], again["jobs"]) == (0, 0)


def test_a_calibration_that_waits_for_a_person_is_named_with_the_science_that_it_holds_up(
    on, observatory
):
    observatory.expose("2010-10-03T22:00:00", 2000.0)  # scores allow 1000
    observatory.expose("2010-10-03T23:00:00", 2050.0, target="HE1")
    on("ingest", str(observatory.raw))
    (report,) = on("campaign", "run", "LAMP", "--from", "2010-10", "--complete", "--json")
    assert [name[-4:] for name in report["for_the_eye"]] == ["_tpl", "none"]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("--target", "HE*"), 3),
        (("--target", "HE2", "--target", "Dark"), 2),
        (("--programme", "084.D-*"), 1),
        (("--raw-type", "OTHER"), 0),
        (("--setup", "A"), 4),
    ],
)
def test_science_is_chosen_by_patterns(on, two_months, words, number):
    (plan,) = on("campaign", "plan", "LAMP", "--from", "2010-10", *words, "--json")
    assert plan["science"] == number


def test_a_name_stands_for_one_selection(on, two_months):
    on("campaign", "run", "LAMP", "--from", "2010-12", "--target", "HE*")
    said = on("campaign", "run", "LAMP", "--from", "2010-12", "--target", "HE1", code=1)
    assert "--name" in said


def test_another_recipe_version_replaces_products_and_deletes_none(on, two_months, monkeypatch):
    on("campaign", "run", *BOTH, "--complete", code=1)
    before = products(two_months)
    monkeypatch.setattr("lamp_recipes.Science.version", "2")
    plan = by_month(on("campaign", "plan", *BOTH, "--complete", "--json"))
    assert len(plan["2010-10"]["outdated"]) == 4
    assert "run --reprocess" in on("campaign", "plan", *BOTH, "--complete")
    reports = on("campaign", "run", *BOTH, "--complete", "--reprocess", "--json", code=1)
    assert [one["reopened"] for one in reports] == [4, 1]
    assert [one["jobs"] for one in reports] == [4, 1]
    after = products(two_months)
    assert set(before) < set(after)
    superseded = products(two_months, "SUPERSEDED")
    assert {category for category, _, _ in superseded} == {"REDUCED_ONE"}
    assert {one[1] for one in superseded} == {
        block for category, block, _ in before if category == "REDUCED_ONE"
    }
    again = on("campaign", "run", *BOTH, "--complete", "--reprocess", "--json")
    assert [one["reopened"] for one in again] == [0, 0]


def test_another_definition_makes_masters_anew_before_their_users(on, two_months):
    october = ("LAMP", "--from", "2010-10", "--complete")
    on("campaign", "run", *october, code=1)
    scores = two_months.rules / "scores.yaml"
    scores.write_text(scores.read_text().replace("high: 1000", "high: 900"))
    loader._from_folder.cache_clear()
    (report,) = on("campaign", "run", *october, "--reprocess", "--json", code=1)
    assert report["reopened"] == 2 + 4
    (said,) = on("explain", "LP_S_101003B.fits", "--json")
    contexts = {one["job"]["context"] for one in said["products"]}
    assert len(contexts) == 1
    assert len(said["products"]) == 2


def test_time_is_expected_from_the_past(on, two_months):
    on("campaign", "run", "LAMP", "--from", "2010-10", "--complete", code=1)
    (plan,) = on("campaign", "plan", "LAMP", "--from", "2010-11", "--json")
    assert plan["seconds"] > 0
    assert plan["untimed"] == []


def test_status_and_report_show_a_batch(on, two_months, tmp_path):
    on("campaign", "run", *BOTH, "--complete", code=1)
    rows = by_month(on("campaign", "status", "LAMP", "--json"))
    assert (rows["2010-10"]["state"], rows["2010-10"]["failed"]) == ("DONE", 1)
    out = tmp_path / "batch.html"
    on("campaign", "report", "LAMP", "2010-10", "--out", str(out))
    page = out.read_text()
    assert "no light" in page
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "There are: 2010-10, 2010-11" in on(
        "campaign", "report", "LAMP", "2011-01", "--out", str(out), code=2
    )


def test_what_was_made_and_not_published_is_a_problem_of_its_batch(on, two_months, tmp_path):
    october = ("LAMP", "--from", "2010-10", "--complete")
    on("campaign", "run", *october, code=1)
    opened = load_site(two_months.site)
    store = Store(opened.database, opened.vault)
    with store.write(by="test", why="this lamp has no science products of the standard") as tx:
        name = tx.blocks.find(raw_types=["SCI"], states=(BlockState.SUCCEEDED,))[0].name
        tx.blocks.set_problem(name, "not published: RA is NaN; DEC is NaN")
    store.close()
    said = on("campaign", "run", *october)
    assert f"made, but: {name}: not published: RA is NaN; DEC is NaN" in " ".join(said.split())
    (row,) = on("campaign", "status", "--json")
    assert (row["failed"], row["flawed"]) == (1, 1)
    out = tmp_path / "batch.html"
    on("campaign", "report", "LAMP", "2010-10", "--out", str(out))
    problems = out.read_text().partition("<h2>Problems</h2>")[2].partition("<h2>")[0]
    assert "SUCCEEDED: not published: RA is NaN; DEC is NaN" in problems
    assert name in problems


def test_reports_of_good_science_are_drawn_when_somebody_looks(on, two_months, tmp_path):
    on("campaign", "run", "LAMP", "--from", "2010-10", "--complete", code=1)
    out = tmp_path / "report.html"
    rows = on("status", "--json")
    name = next(row["ab"] for row in rows if row["status"] == "SUCCEEDED")
    on("ab", "report", name, "--out", str(out))
    assert "QC LEVEL" in out.read_text()


def test_a_month_that_cannot_be_is_refused(on, two_months):
    assert "Write it as 2010-10" in on("campaign", "plan", "LAMP", "--from", "October", code=2)
    assert "earlier month first" in on("campaign", "plan", *BOTH[:2], "2011-01", *BOTH[3:], code=2)


def test_a_campaign_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    on, observatory, kill_at_work
):
    for day in range(1, 4):
        observatory.night(f"2010-10-{day:02d}", {f"HE{number}": 50 for number in range(8)})
    on("ingest", str(observatory.raw))
    words = ["campaign", "run", "LAMP", "--from", "2010-10", "--complete"]
    for wait in (0.0, 0.3, 0.6, 1.2):
        kill_at_work(*words, "--site", str(observatory.site), after=wait)
    (report,) = on(*words, "--json")
    assert report["states"] == {"SUCCEEDED": 24}
    assert report["decisions"] == {"AUTO": 24}
    runs = report["all_runs"]
    assert (runs["jobs"], runs["failed_now"], runs["certified_now"]) == (27, 0, 27)
    assert runs["archived_now"] == 3
    (again,) = on(*words, "--json")
    assert again["all_runs"]["jobs"] == 27
    made = products(observatory)
    assert len(made) == len({block for _, block, _ in made}) == 3 + 24
    _, _, kinds = zip(*made, strict=True)
    assert len(kinds) == 27
    (row,) = on("campaign", "status", "--json")
    assert row["state"] == "DONE"


def test_a_campaign_that_was_killed_at_its_last_exposure_makes_it(on, observatory, kill_at_work):
    observatory.night("2010-10-03", {"HE1": 50})
    on("ingest", str(observatory.raw))
    words = ["campaign", "run", "LAMP", "--from", "2010-10", "--complete"]
    kill_at_work(*words, "--site", str(observatory.site))
    (planned,) = on("campaign", "plan", *words[2:], "--json")
    assert (len(planned["to_make"]), planned["waiting"]) == (1, 0)
    (report,) = on(*words, "--json")
    assert (report["states"], report["decisions"]) == ({"SUCCEEDED": 1}, {"AUTO": 1})


def test_the_pages_show_what_a_run_made(on, two_months):
    on("campaign", "run", "LAMP", "--from", "2010-10", "--complete", code=1)
    opened = load_site(two_months.site)
    store = Store(opened.database, opened.vault)
    with store.write(by="test", why="a value that this lamp does not measure") as tx:
        good = (BlockState.SUCCEEDED,)
        for block in tx.blocks.find(instrument="LAMP", raw_types=["SCI"], states=good):
            made = tx.products.of_block(block.name)[0]
            values = {"QC SPEC SNR": 20.0, "QC SPEC COUNTS": 400.0, "QC SPEC SNRRATIO": 3.0}
            tx.quality.add_values(
                [
                    QcValue(
                        block.name, 1, made.product_id, "LAMP", block.night, "SCI", block.setup,
                        made.category, name, value, "", block.mjd_mid,
                    )
                    for name, value in values.items()
                ]
            )  # fmt: skip
    client = TestClient(application(Service(store, opened)), base_url="http://localhost")
    assert "3/4" in client.get("/campaigns").text
    page = client.get("/campaigns/LAMP/2010-10").text
    assert "Spectra that stand out" in page
    found = client.get("/api/campaigns/LAMP/2010-10").json()
    assert found["now"]["states"] == {"FAILED": 1, "SUCCEEDED": 3}
    assert [one["what"][:6] for one in found["now"]["problems"]] == ["FAILED"]
    assert [one["anomalies"] for one in found["modes"]] == [3]
    assert 'hx-get="/campaigns/LAMP/2010-10/statistics"' in page
    picture = client.get("/campaigns/LAMP/2010-10/statistics").text
    assert "ONE: 3" in picture
    assert 'fill="currentColor"' in picture, "its text is dark on a dark page"
    assert "style" not in picture, "our policy would refuse it"
    assert client.get("/campaigns/LAMP/2010-10/report").text.count("SCI") >= 4
    store.close()
