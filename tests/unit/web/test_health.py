"""Health Check and QC1 database: pages, their JSON, hiding, hostile input."""

import pytest

ASKED = "instrument=LAMP&category=MASTER_BIAS_BLUE&parameter=QC+RON"


@pytest.fixture
def judged(web, add_judged):
    made = add_judged(web.store, "A")
    return web, made.products[0].product_id


def test_pages_show_what_there_is(judged):
    web, _ = judged
    assert "LAMP" in web.text("/health")
    assert "has no" in web.text("/health/LAMP")
    assert "Bias, blue arm" in web.text("/health/UVES")
    assert "Read noise of a raw frame" in web.text("/health/UVES/bias_blue?range=full")
    plot = web.get("/api/health/UVES/bias_red/1").json()
    assert [one["label"] for one in plot["series"]] == ["lower red", "upper red"]
    assert web.get("/api/health/UVES/wave_blue/9").json()["kind"] == "correlation"
    assert web.get("/api/health/UVES").json()["score"] == "grey"


def test_any_parameter_is_browsed_plotted_and_loaded(judged):
    web, _ = judged
    page = web.text(f"/qc1?{ASKED}")
    assert "/ab/A/report" in page
    plot = web.get(f"/api/qc1?{ASKED}").json()
    assert plot["series"][0]["value"] == [5.0]
    assert plot["series"][0]["outlier"] == [True]
    assert plot["series"][0]["limits"] == [1.0, 4.0]
    assert "57080.0" in web.text(f"/api/qc1/values.csv?{ASKED}")
    assert "QC RON" in web.text("/qc1?ab=A")
    assert web.get(f"/api/qc1?{ASKED}&x_parameter=QC+RON").json()["total"] == 1


def test_who_may_decide_hides_a_value_with_a_reason(judged):
    web, product = judged
    web.login("anna")
    value = {"record": product, "parameter": "QC RON", "back": f"?{ASKED}"}
    assert web.post("/qc1/hide", **value, reason=" ").status_code == 400
    answer = web.post("/qc1/hide", **value, reason="<b>lamp off")
    assert answer.headers["location"].startswith("/qc1?instrument=LAMP")
    assert web.get(f"/api/qc1?{ASKED}").json()["series"][0]["value"] == []
    assert "&lt;b&gt;lamp off" in web.text(f"/qc1?{ASKED}&hidden=1")
    assert web.post("/qc1/hide", **value, reason="again").status_code == 409
    assert web.post("/qc1/unhide", **value).status_code == 303
    assert web.get(f"/api/qc1?{ASKED}").json()["series"][0]["value"] == [5.0]


@pytest.mark.parametrize("name", ["vera", "otto"])
def test_who_may_not_decide_hides_nothing(judged, name):
    web, product = judged
    web.login(name)
    answer = web.post("/qc1/hide", record=product, parameter="QC RON", reason="no")
    assert answer.status_code == 403


def test_plots_are_saved_for_oneself_or_all_and_lead_nowhere_else(judged, another):
    web, _ = judged
    web.login("vera")
    question = f"?{ASKED}&evil=//elsewhere"
    web.post("/qc1/plots", name="mine", question=question)
    answer = web.post("/qc1/plots", name="for all", shared="1", question=question)
    assert "evil" not in answer.headers["location"]
    other = another(web)
    other.login("anna")
    page = other.text("/qc1")
    assert "for all (vera)" in page
    assert "mine" not in page
    assert other.post("/qc1/plots/1/remove").status_code == 404
    assert web.post("/qc1/plots/1/remove").status_code == 303


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/NOBODY", 404),
        ("/health/UVES/none", 404),
        ("/health/UVES/bias_blue?range=decade", 400),
        ("/health/UVES?night=2015-99-99", 400),
        ("/api/health/UVES/bias_blue/10", 404),
        ("/api/health/UVES/bias_blue/11", 422),
        ("/api/health/UVES/bias_blue/1?columns=1000000", 422),
        ("/api/health/UVES/bias_blue/1?start=nan", 422),
        ("/api/health/UVES/bias_blue/1?start=9&end=1", 200),
        ("/api/health/UVES/bias_blue/1/1.csv", 200),
        ("/api/health/UVES/bias_blue/1/2.csv", 404),
        ("/api/health/UVES/bias_blue/1/3.csv", 422),
        ("/api/health/UVES/bias_blue/1/1.exe", 400),
        ("/api/qc1", 400),
        ("/api/qc1/values.exe?instrument=LAMP", 400),
        ("/qc1?instrument=%3Cscript%3E&category='--&parameter=x", 404),
        ("/qc1?instrument=LAMP&parameter=x&start=now", 400),
    ],
)
def test_hostile_or_mistaken_addresses_get_a_clear_answer(web, path, status):
    answer = web.get(path, headers={"accept": "application/json"})
    assert answer.status_code == status
    assert "<script>" not in answer.text.replace("<script src", "")
