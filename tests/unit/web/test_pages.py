"""Pages beside the monitor."""

import json
import re
from html import unescape

import numpy as np
import pytest

from vltflow.records import QcFigure


@pytest.fixture
def night(web, add_judged):
    line = QcFigure("profile", "Mean of each row", "line", np.arange(9.0), np.arange(9.0), "y", "z")
    image = QcFigure("map", "The map", "image", np.array([]), np.ones((9, 9)), "x", "y")
    good = add_judged(web.store, "A_bias", mjd=57080.0, figures=[line, image])
    add_judged(
        web.store, "B_dark", mjd=57080.1, raw_type="DARK_BLUE",
        products={"MASTER_DARK_BLUE": {"QC RON": 2.0}},
        calibrations=[("MASTER_BIAS_BLUE", 0, good.products[0], "A_bias")],
    )  # fmt: skip
    web.product = good.products[0]
    return web


def test_today_tells_the_state_of_each_night(night) -> None:
    assert "waiting for a person" in night.text("/")
    found = night.get("/api/nights").json()
    assert [(one["night"], one["waiting"], one["state"]) for one in found] == [
        ("2015-02-26", 2, "waiting for a person")
    ]


def test_the_page_of_an_ab_tells_all(night) -> None:
    page = night.text("/ab/B_dark")
    for word in ("LAMP.B_dark", "MASTER_DARK_BLUE", "kappa", "median", "created", "A_bias"):
        assert word in page


def test_each_calibration_tells_why_it_was_chosen(night) -> None:
    part = night.text("/ab/B_dark/calibrations")
    assert "REAL from A_bias, level 0" in part
    assert "the only one possible" in part


def test_an_ab_is_there_as_json_without_loss(night) -> None:
    found = night.get("/api/ab/B_dark").json()
    assert found["block"]["name"] == "B_dark"
    assert found["calibrations"][0]["source_block"] == "A_bias"
    json.dumps(found, allow_nan=False)


def test_neighbours_in_the_night_are_linked(night) -> None:
    assert 'rel="next" href="/ab/B_dark"' in night.text("/ab/A_bias")
    assert 'rel="prev" href="/ab/A_bias"' in night.text("/ab/B_dark")


def test_the_report_tells_value_limits_trend_and_what_scored_it(night) -> None:
    page = night.text("/ab/A_bias/report")
    for word in ("QC RON", "1 to 4", "FIXED", "5 is too high", "<svg"):
        assert word in page


def test_figures_carry_no_style_that_our_policy_would_refuse(night) -> None:
    text = night.text(f"/ab/A_bias/figures/{night.product.product_id}")
    assert text.count("<figure>") == 2
    assert "style" not in text
    assert "#2f86c1" in text  # the data's colour came through


def test_figures_of_another_ab_s_product_are_not_there(night) -> None:
    assert night.get(f"/ab/B_dark/figures/{night.product.product_id}").status_code == 404


def test_the_kept_report_is_given_as_a_file(night) -> None:
    answer = night.get("/ab/A_bias/report/file")
    assert answer.headers["content-disposition"] == 'attachment; filename="A_bias.html"'
    assert answer.text == "<p>kept</p>"


@pytest.mark.parametrize("page", ["/ab/A_bias/report", "/desk/A_bias"])
def test_a_parameter_leads_to_its_values_over_time(night, page) -> None:
    (address,) = re.findall(r'href="(/qc1[^"]+)"', night.text(page))
    address = unescape(address)
    assert "/ab/A_bias" in night.text(address)
    [series] = night.get(f"/api{address}").json()["series"]
    assert (series["value"], series["limits"], series["ab"]) == ([5.0], [1.0, 4.0], ["A_bias"])


def test_the_desk_lists_what_waits_and_shows_the_good_one_before(night) -> None:
    page = night.text("/desk")
    assert page.index("A_bias") < page.index("B_dark")
    assert "No good one of this setup before" in night.text("/desk/A_bias")
    assert [one["block"] for one in night.get("/api/desk").json()] == ["A_bias", "B_dark"]


def test_the_desk_tells_what_depends_on_an_ab(night) -> None:
    page = night.text("/desk/A_bias")
    assert "LP_MASTER_DARK_BLUE_B_dark_1.fits" in page


def test_the_display_of_a_product_has_its_headers_and_its_image(night) -> None:
    name = night.product.name
    assert "ESO PRO CATG = MASTER_BIAS_BLUE" in night.text(f"/display/{name}")
    image = night.get(f"/api/products/{name}/image.png")
    assert image.content.startswith(b"\x89PNG")
    assert "immutable" in image.headers["cache-control"]
    assert "x = 2, y = 1" in night.text(f"/display/{name}/pixel?x=1&y=0")


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/ab/NOBODY", "/ab/NOBODY/calibrations", "/ab/NOBODY/report",
        "/ab/NOBODY/log", "/ab/NOBODY/report/file",
        "/desk/NOBODY", "/display/NOTHING.fits", "/api/ab/NOBODY", "/api/ab/NOBODY/scores",
        "/api/products/NOTHING.fits/image.png", "/static/app.css", "/nowhere",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_clear_404(night, path: str) -> None:
    answer = night.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_an_image_beyond_the_file_is_a_clear_404(night) -> None:
    name = night.product.name
    assert night.get(f"/api/products/{name}/image.png?ext=7").status_code == 404
    assert night.get(f"/display/{name}/pixel?x=5&y=0").status_code == 404


def test_a_lost_vault_file_does_not_take_the_page_down(night) -> None:
    path = night.store.vault.local_path(night.product.file_id, None)
    path.unlink()
    assert "LP_MASTER_BIAS_BLUE_A_bias_1.fits" in night.text("/ab/A_bias")
    assert night.get(f"/display/{night.product.name}").status_code == 404


def test_scripts_and_styles_change_their_name_with_their_content(night) -> None:
    address = night.service.assets.address("app.css")
    answer = night.get(address)
    assert address in night.text("/")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("page", ["/desk", "/desk/A", "/api/desk", "/ab/A", "/ab/A/report"])
def test_an_ab_whose_raw_type_the_definition_lost_is_shown(web, add_judged, page: str) -> None:
    add_judged(web.store, "A", raw_type="OLD")
    text = web.text(page)
    if "desk" in page:
        assert "raw type OLD is not in the definition of LAMP any more" in text
