"""Science products: found, looked at, taken, counted."""

import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from vltflow.plots.spectrum import SpectrumPreview
from vltflow.records import ScienceState
from vltflow.web.products import cone_of
from vltflow.web.service import Access
from vltflow.web.spectrum import flag_words, seen


def found(web, **asked):
    return [one["target"] for one in web.get("/api/science", params=asked).json()["products"]]


QUASAR, STAR = "HE1341-1020", "Sk -69 202"


SEARCHES = (
    ({}, [STAR, QUASAR]),
    ({"target": "he 1341"}, [QUASAR]),
    ({"target": "SK-69_2"}, [STAR]),
    ({"target": "%"}, []),
    ({"position": "206.02 -10.59", "radius": "1"}, [QUASAR]),
    ({"position": "13:44:05.1 -10:35:29", "radius": "0.1"}, [QUASAR]),
    ({"position": "206.02 -10.61", "radius": "1"}, []),
    ({"position": "180.0 89.9", "radius": "13"}, [STAR]),
    ({"position": "180.0 89.9", "radius": "11"}, []),
    ({"position": "359.99 89.9", "radius": "0.1"}, [STAR]),
    ({"instrument": "MUSE"}, []),
    ({"first": "2010-05-12"}, []),
    ({"first": "2010-05-11", "last": "2010-05-11"}, [STAR, QUASAR]),
    ({"programme": "185.A"}, [QUASAR]),
    ({"category": "SCIENCE.CUBE.IFS"}, []),
    ({"quality": "clean"}, [STAR]),
    ({"quality": "3"}, [QUASAR]),
    ({"snr": "1000"}, []),
    ({"hidden": "yes"}, [STAR, QUASAR, QUASAR]),
    ({"page": 2}, []),
)


def test_a_search_finds_what_fits_and_nothing_else(shop):
    for asked, wanted in SEARCHES:
        assert found(shop, **asked) == wanted, asked


MISTAKES = (
    ("position=north", "is no position"),
    ("position=400+0", "not within"),
    ("position=206+-91", "not within"),
    ("position=206+-10&radius=x", "is no number"),
    ("position=nan+0", "not within"),
    ("first=yesterday", "is no night"),
    ("quality=99", "not within 1 and 32"),
    ("snr=inf", "not within"),
)


def test_what_cannot_be_understood_is_told_above_the_form(web):
    for asked, words in MISTAKES:
        assert words in web.text(f"/products?{asked}", 400)
        assert words in web.get(f"/api/science?{asked}").json()["error"]


def test_a_position_may_be_written_in_hours():
    cone = cone_of("13:44:05.1, -00:35:29", "")
    assert (cone.ra, cone.dec) == pytest.approx((206.02125, -0.591389), abs=1e-6)
    assert cone.radius == pytest.approx(1 / 60)


def test_an_empty_store_says_how_products_come(web):
    assert "There are no science products yet" in web.text("/products")


def test_the_page_tells_quality_in_words_versions_and_files(shop):
    page = shop.text(f"/products/{shop.quasar.name}")
    for words in (QUASAR, "1 is told", "185.A-0745(C)", shop.quasar.archive_name, "PUBLISHED"):
        assert words in page
    assert page.count("took its place") == 1
    assert "not the one to use" in shop.text(f"/products/{shop.quasar.name}?version=1")


def test_the_page_tells_what_it_was_made_from(shop):
    part = shop.text(f"/products/{shop.quasar.name}/provenance")
    assert "RED_SCI_POINT_REDL" in part
    assert "its AB" in part


def test_a_product_is_hidden_when_all_its_versions_are(shop):
    with shop.store.write(by="anna", why="wrong target") as tx:
        tx.science.hide(shop.quasar.science_id, "hidden by anna: wrong target")
    assert "wrong target" in shop.text(f"/products/{shop.quasar.name}")
    assert found(shop) == [STAR]


def test_a_file_comes_whole_under_its_name(shop):
    answer = shop.get(f"{shop.api}/file")
    assert hashlib.sha256(answer.content).hexdigest() == shop.quasar.file_id
    assert answer.headers["content-type"] == "application/fits"
    assert answer.headers["etag"] == f'"{shop.quasar.file_id}"'
    assert "content-encoding" not in answer.headers
    name = re.search(r'filename="([^"]+)"', answer.headers["content-disposition"])[1]
    assert name.endswith(".fits")


def test_a_broken_transfer_goes_on_where_it_ended(shop):
    tag = shop.get(f"{shop.api}/file").headers["etag"]
    answer = shop.get(f"{shop.api}/file", headers={"Range": "bytes=2880-", "If-Range": tag})
    assert answer.status_code == 206
    assert answer.content == shop.file[2880:]
    assert shop.get(f"{shop.api}/file", headers={"Range": "bytes=-80"}).content == shop.file[-80:]
    assert shop.get(f"{shop.api}/file", headers={"Range": "bytes=999999999-"}).status_code == 416


def test_what_a_browser_has_is_not_sent_again(shop):
    same = {"If-None-Match": f'"{shop.quasar.file_id}"'}
    assert shop.get(f"{shop.api}/file", headers=same).status_code == 304


def test_each_taken_file_counts_once_with_who_and_when(shop):
    shop.get(f"{shop.api}/file")
    shop.get(f"{shop.api}/file", headers={"Range": "bytes=80-"})
    shop.client.head(f"{shop.api}/file")
    shop.get(f"{shop.api}/preview.png")
    shop.login("vera")
    shop.get(f"{shop.api}/files/{shop.quasar.associated[-1].name}")
    with shop.store.read() as tx:
        count = tx.downloads.of_products([shop.quasar.science_id])[shop.quasar.science_id]
        assert tx.downloads.of_blocks([shop.quasar.block]) == count
        assert [one.who for one in tx.downloads.find(shop.quasar.science_id)] == ["", "vera"]
    assert (count.files, count.distinct) == (2, 2)
    assert shop.get(shop.api).json()[-1]["downloads"]["files"] == 2


def test_the_header_is_there_as_text(shop):
    answer = shop.get(f"{shop.api}/header")
    assert "PRODCATG= 'SCIENCE.SPECTRUM'" in answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    assert max(map(len, answer.text.splitlines())) <= 80


ABSENT = (
    "/products/NONE.fits",
    "/products/NONE.fits/provenance",
    "/api/science/NONE.fits",
    "/api/science/NONE.fits/file",
    "/api/science/NONE.fits/spectrum",
    "/api/science/NONE.fits/header",
    "/api/science/NONE.fits/preview.png",
    "/products/{name}?version=9",
    "{api}/file?version=9",
    "{api}/files/..%2Fregistry.sqlite",
    "{api}/files/other.fits",
)


def test_what_is_not_there_is_a_clear_404(shop):
    for path in ABSENT:
        answer = shop.get(path.format(name=shop.quasar.name, api=shop.api))
        assert answer.status_code == 404, path
        assert "Traceback" not in answer.text


def test_a_lost_file_is_a_404_and_takes_no_page_down(shop):
    shop.store.vault.local_path(shop.quasar.file_id, None).unlink()
    assert "not explained in its header" in shop.text(f"/products/{shop.quasar.name}?version=2")
    assert shop.get(f"{shop.api}/file").status_code == 404


def test_a_private_site_shows_nothing_to_strangers(shop, another):
    stranger = another(shop, access=Access.PRIVATE)
    for path in (f"{shop.api}/file", "/api/science", f"{shop.api}/spectrum"):
        assert stranger.get(path).status_code == 401


def test_the_whole_spectrum_has_fewer_points_and_its_part_has_all(shop):
    whole = shop.get(f"{shop.api}/spectrum?bins=50").json()
    part = shop.get(f"{shop.api}/spectrum?bins=50&start=4790&stop=4791").json()
    with fits.open(shop.store.vault.local_path(shop.quasar.file_id, None)) as hdus:
        row = hdus[1].data[0]
        wave, flux = np.array(row["WAVE"]), np.array(row["FLUX_REDUCED"])
    inside = (wave >= 4790) & (wave <= 4791)
    assert not whole["complete"]
    assert max(one for one in whole["flux"] if one is not None) == pytest.approx(
        flux.max(), rel=1e-4
    )
    assert part["complete"]
    assert part["flux"][1:-1] == pytest.approx(flux[inside], rel=1e-4)
    assert part["snr"][1] == pytest.approx(part["flux"][1] / part["error"][1], rel=1e-4)
    assert {one["words"] for one in whole["flags"]} == {"rejected"}


def test_a_range_that_is_none_is_told(shop):
    assert "no range" in shop.get(f"{shop.api}/spectrum?start=2&stop=1").json()["error"]


def test_outliers_and_gaps_survive_fewer_points():
    wave = np.concatenate([np.arange(5000.0), np.arange(7000.0, 12_000.0)])
    flux = np.ones(10_000)
    flux[[123, 9876]] = 50.0, -50.0
    shown = SpectrumPreview(
        "t", wave, flux, np.full(10_000, 0.1), (np.arange(10_000) == 500) * 5, "w", "f"
    )
    found = seen(shown, wave[0], wave[-1], 100)
    values = dict(zip(found["wave"], found["flux"], strict=True))
    assert (values[123.0], values[11_876.0]) == (50.0, -50.0)
    assert None in [values[one] for one in values if 5000 < one < 7000]
    assert found["flags"] == [
        {"from": 500.0, "to": 500.0, "elements": 1, "words": "dead, saturated"}
    ]
    assert len(found["wave"]) < 700


def test_unknown_flags_keep_their_number():
    assert flag_words(4 + 1024) == "saturated, flag 1024"


def test_hostile_names_and_problems_stay_text(shop):
    script = "<script>alert(1)</script>"
    bad = replace(
        shop.quasar, science_id="x" * 32, name="'\"<script>alert(1)<>.fits".replace("/", ""),
        target=script, setup=script, archive_name="ADP.x.fits", programmes=(script,),
        problem=script, version=1, state=ScienceState.PUBLISHED, block=shop.star.block,
        associated=(replace(shop.quasar.associated[-1], name=f"{script[:25]}\n.png"),),
    )  # fmt: skip
    with shop.store.write(by="test", why="hostile") as tx:
        tx.science.publish(bad)
    address = "/products/%27%22%3Cscript%3Ealert(1)%3C%3E.fits"
    for path in ("/products", address, f"{address}/provenance", f"/products?target={script}"):
        page = shop.text(path)
        assert "<script>alert" not in page
        assert path.startswith(f"{address}/") or "&lt;script&gt;" in page
    header = shop.get(f"/api{address.replace('products', 'science')}/file").headers
    assert header["content-disposition"].startswith(
        'attachment; filename="___script_alert_1___.fits"'
    )


def test_a_product_is_hidden_with_the_decision_that_revokes_its_spectrum(shop) -> None:
    shop.login("anna")
    said = {"decision": "REVOKED", "comment": "clouds", "seen": "1"}
    assert shop.post(f"/ab/{shop.quasar.block}/decision", **said).status_code == 303
    with shop.store.read() as tx:
        assert [one.block for one in tx.science.find()] == [shop.star.block]
