"""What comes from files and people is shown as text, whatever it says."""

import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from vltflow.core.time import now_iso
from vltflow.records import Decision, HealthEvent, QcFigure, Verdict
from vltflow.store import pack_headers

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>'\""
PAGES = (
    "/", "/monitor", "/monitor/LAMP/2015-02-26", "/monitor/LAMP/2015-02-26/changes?since=0",
    "/ab/A", "/ab/A/report", "/ab/A/report/file", "/ab/A/figures/{id}", "/ab/A/calibrations",
    "/ab/A/log", "/desk", "/desk/A", "/login", "/profile",
    "/display/{product}", "/display/{product}/pixel", "/nothing", "/health", "/health/UVES",
    "/health/UVES/bias_blue", "/products", "/qc1",
    "/qc1?instrument=LAMP&category=MASTER_BIAS_BLUE&parameter=QC+RON&hidden=1",
    "/completeness", "/completeness/LAMP", "/campaigns", "/campaigns/none", "/accounts",
)  # fmt: skip
TELLING = (
    "/ab/A", "/ab/A/figures/{id}", "/monitor/LAMP/2015-02-26", "/profile", "/accounts",
    "/health/UVES", "/qc1",
)  # fmt: skip
ELSEWHERE = {
    "/products/{name}", "/products/{name}/provenance", "/campaigns/{name}/{month}",
    "/campaigns/{name}/{month}/report", "/campaigns/{name}/{month}/statistics",
}  # fmt: skip
"""With their own hostile names: `test_products.py`, `test_campaigns.py`."""


class Refused(HTMLParser):
    """Collects what a strict policy refuses: scripts and styles within, other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        values = dict(attrs)
        if tag == "style" or (tag == "script" and not values.get("src", "").startswith("/")):
            self.faults.append(tag)
        self.faults += [name for name in values if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if (values.get(name) or "").startswith(("//", "http:", "https:", "javascript:")):
                self.faults.append(values[name])


@pytest.fixture
def hostile(web, add_judged, tmp_path):
    """Script in a header, object name, setup, problem, figure, and all that people write."""
    figure = QcFigure("f", SCRIPT, "line", np.arange(3.0), np.arange(3.0), SCRIPT, SCRIPT)
    made = add_judged(web.store, "A", figures=[figure])
    path = tmp_path / "hostile.fits"
    header = fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        header["OBJECT"] = SCRIPT
        header["EXTNAME"] = SCRIPT
    fits.PrimaryHDU(np.zeros((4, 4), dtype=np.float32), header).writeto(path)
    product = made.products[0]
    bad = replace(
        product, product_id="bad", name=f"{SCRIPT[:25]}.fits".replace("/", ""),
        file_id=web.store.vault.put_file(path),
    )  # fmt: skip
    verdict = Verdict("A", 1, Decision.REVOKED, SCRIPT, SCRIPT, "2015-02-27T12:00:00.000")
    with web.store.write(by=SCRIPT, why=SCRIPT) as tx:
        frame = tx.frames.of_block("A")[0]
        other = replace(frame, frame_id="f" * 64, name=SCRIPT, object_name=SCRIPT, setup=SCRIPT)
        tx.frames.add([(other, pack_headers([{}]))])
        tx.blocks.replace(
            replace(made.block, frames=(frame.frame_id, "f" * 64), problem=SCRIPT, setup=SCRIPT),
            SCRIPT,
        )
        tx.products.add([bad])
        tx.quality.add_verdict(verdict)
        tx.health.add_event(HealthEvent("UVES", 57080.0, SCRIPT, SCRIPT, SCRIPT, now_iso()))
    web.login("ada")
    value = {"record": product.product_id, "parameter": "QC RON"}
    asked = "instrument=LAMP&category=MASTER_BIAS_BLUE&parameter=QC+RON"
    web.post("/qc1/hide", **value, reason=SCRIPT)
    web.post("/qc1/plots", name=SCRIPT, shared="1", question=f"?{asked}")
    web.post("/profile/tokens", label=SCRIPT, scopes=["read"], days="1")
    web.names = {"product": bad.name.replace("<", "%3C"), "id": product.product_id}
    return web


def test_every_page_is_in_the_list_of_this_test(routes) -> None:
    found = {path for method, path in routes if method == "GET"} - ELSEWHERE
    pages = {path for path in found if not path.startswith(("/api/", "/static/"))}
    patterns = {re.sub(r"{[^}]*}", "[^/]+", path): path for path in pages}
    shown = [page.partition("?")[0] for page in PAGES]
    missing = {
        path for form, path in patterns.items() if not any(re.fullmatch(form, one) for one in shown)
    }
    assert missing == set()


def test_no_page_lets_a_script_of_others_through(hostile) -> None:
    for page in PAGES:
        answer = hostile.get(page.format(**hostile.names))
        assert answer.status_code in {200, 404}, page
        assert "<script>alert" not in answer.text, page
        assert "<img src=x" not in answer.text, page
        if page in TELLING:
            assert "alert(1)" in answer.text, page  # as text: it was there to be found


def test_no_page_needs_anything_that_our_policy_refuses(hostile) -> None:
    for page in PAGES:
        found = Refused()
        found.feed(hostile.get(page.format(**hostile.names)).text)
        assert found.faults == [], page


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/login", "/api/nights", "/api/ab/NOBODY", "/static/nothing.js"],
)
def test_every_answer_carries_our_policy(web, path: str) -> None:
    headers = web.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_an_unforeseen_failure_tells_nothing_of_the_inside(web, monkeypatch) -> None:
    def broken():
        raise RuntimeError("secret path /home/anna")

    monkeypatch.setattr(web.store, "read", broken)
    web.client._transport.raise_server_exceptions = False
    answer = web.get("/")
    assert answer.status_code == 500
    assert "secret path" not in answer.text
    assert answer.headers["content-security-policy"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/static/../../registry.sqlite",
        "/static/..%2f..%2fpyproject.toml", "/static/%2e%2e/app.py",
        "/display/..%2f..%2fetc%2fpasswd", "/ab/..%2f..%2fetc%2fpasswd",
        "/products/..%2f..%2fetc%2fpasswd", "/api/science/..%2fvltflow.toml/file",
        "/campaigns/..%2f..%2fetc%2fpasswd", "/completeness/..%2f..%2fetc%2fpasswd",
        "/health/..%2fuves", "/health/UVES/..%2f..%2fuves", "/monitor/..%2f/2015-02-26",
        "/api/products/..%2fvltflow.toml/image.png", "/ab/%00", "/display/%00", "/static/%00.js",
    ],
)  # fmt: skip
def test_no_path_leads_out(web, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_question_with_nul_is_refused(web) -> None:
    assert web.get("/products", params={"target": "\0"}).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/login", "name"), ("/ab/A/decision", "comment"), ("/desk/decisions", "ab"),
        ("/profile/tokens", "label"), ("/qc1/hide", "reason"), ("/accounts/add", "name"),
    ],
)  # fmt: skip
def test_a_form_with_nul_is_refused(web, path: str, field: str) -> None:
    web.login("anna")
    answer = web.post(path, **{field: "a\0b"})
    assert (answer.status_code, "NUL" in answer.text) == (400, True)
    assert "NUL" not in web.post(path, **{field: "a%00b"}).text  # these are three characters


def test_json_with_nul_is_refused(web) -> None:
    answer = web.client.post("/api/ab/A/decision", json={"comment": "a\0b"})
    assert (answer.status_code, "NUL" in answer.text) == (400, True)
