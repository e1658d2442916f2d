"""Nothing changes without a right, a session and a form that is ours."""

from datetime import timedelta

import pytest

from vltflow.records import Colour, Right
from vltflow.web.login import MOST_FAILURES
from vltflow.web.service import Access

FORMS = (
    "/ab/A/decision", "/desk/decisions", "/ab/A/order", "/api/ab/A/decision", "/logout",
    "/profile/password", "/profile/tokens", "/profile/tokens/1/revoke",
    "/qc1/hide", "/qc1/unhide", "/qc1/plots", "/qc1/plots/1/remove",
    "/accounts/add", "/accounts/role", "/accounts/disabled", "/accounts/password",
    "/accounts/tokens/revoke",
)  # fmt: skip
DECIDING = FORMS[:2] + FORMS[3:4]
ACCEPT = {"decision": "ACCEPTED", "comment": "fine", "seen": "1"}


@pytest.fixture
def waiting(web, add_judged):
    add_judged(web.store, "A")
    return web


def _decision(web, name: str = "A") -> str:
    with web.store.read() as tx:
        return tx.blocks.decisions([name])[name]


def test_every_form_is_in_the_list_of_this_test(routes) -> None:
    found = {path for method, path in routes if method not in {"GET", "HEAD"}}
    shown = {path.replace("/A/", "/{name}/").replace("/1/", "/{number}/") for path in FORMS}
    assert found - {"/login"} == shown


@pytest.mark.slow
@pytest.mark.parametrize("path", FORMS)
def test_no_form_works_without_a_login(waiting, path: str) -> None:
    answer = waiting.client.post(path, data=ACCEPT | {"ab": "A 1"}, follow_redirects=False)
    assert answer.status_code == 401
    assert _decision(waiting) == ""


@pytest.mark.slow
@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("csrf", ["", "forged", "é"])
def test_no_form_works_with_a_forged_or_missing_secret(waiting, path: str, csrf: str) -> None:
    waiting.login("ada")
    answer = waiting.client.post(
        path, data=ACCEPT | {"ab": "A 1", "csrf": csrf}, follow_redirects=False
    )
    assert answer.status_code == 403
    assert _decision(waiting) == ""


@pytest.mark.parametrize("path", DECIDING)
@pytest.mark.parametrize("name", ["vera", "otto"])
def test_who_has_not_the_right_cannot_decide(waiting, path: str, name: str) -> None:
    waiting.login(name)
    answer = waiting.post(path, ab="A 1", **ACCEPT)
    assert answer.status_code == 403
    assert name in answer.text
    assert _decision(waiting) == ""


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("anna", 403), ("ada", 409)])
def test_orders_need_an_operator(waiting, name: str, status: int) -> None:
    waiting.login(name)
    assert waiting.post("/ab/A/order", order="retry", comment="again").status_code == status


def test_a_request_from_another_site_is_refused(waiting) -> None:
    waiting.login("anna")
    data = ACCEPT | {"csrf": waiting.csrf()}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = waiting.client.post("/ab/A/decision", data=data, headers=headers)
        assert answer.status_code == 403
    assert _decision(waiting) == ""


def test_another_host_name_is_refused(web) -> None:
    assert web.get("/", headers={"host": "evil.example"}).status_code == 400


def test_a_request_of_untold_or_great_length_is_refused(web) -> None:
    assert web.client.post("/login", content=iter([b"a"])).status_code == 411
    assert web.client.post("/login", content=b"a" * 1_000_001).status_code == 413


def test_a_scientist_decides_in_their_name(waiting) -> None:
    waiting.login("anna")
    answer = waiting.post("/ab/A/decision", next="/desk", **ACCEPT)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    with waiting.store.read() as tx:
        verdict = tx.quality.verdicts(["A"])["A"][-1]
    assert (verdict.who, verdict.comment, verdict.decision) == ("anna", "fine", "ACCEPTED")


def test_the_second_of_two_people_is_told_who_was_first(waiting, another) -> None:
    second = another(waiting)
    waiting.login("anna")
    second.login("ada")
    waiting.post("/ab/A/decision", **ACCEPT)
    answer = second.post("/ab/A/decision", **ACCEPT | {"decision": "REJECTED"})
    assert answer.status_code == 409
    assert "decided by anna" in answer.text
    assert _decision(waiting) == "ACCEPTED"


def test_a_decision_about_an_older_revision_is_refused(waiting, reopen_block, add_judged):
    made = add_judged(waiting.store, "B")
    reopen_block(waiting.store, made, {"MASTER_BIAS_BLUE": {"QC RON": 2.0}})
    waiting.login("anna")
    answer = waiting.post("/ab/B/decision", **ACCEPT)
    assert answer.status_code == 409
    assert "opened again by late frames" in answer.text


def test_many_are_decided_at_once_and_one_refusal_stops_no_others(waiting, add_judged) -> None:
    add_judged(waiting.store, "B", colour=Colour.GREEN)
    waiting.login("anna")
    answer = waiting.post(
        "/desk/decisions", ab=["A 1", "B 1", "C 1"], decision="REJECTED", comment="lamp"
    )
    assert answer.status_code == 200
    assert "no AB &#39;C&#39;" in answer.text
    assert [_decision(waiting, name) for name in "AB"] == ["REJECTED", "REJECTED"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [{"decision": "AUTO"}, {"decision": ""}, {"comment": "  "}, {"seen": "x"}, {"seen": "9" * 30}],
)
def test_a_form_with_nonsense_is_refused_clearly(waiting, fields: dict[str, str]) -> None:
    waiting.login("anna")
    answer = waiting.post("/ab/A/decision", **ACCEPT | fields)
    assert answer.status_code in {400, 409, 422}
    assert _decision(waiting) == ""


def test_wrong_name_and_wrong_password_get_the_same_answer(web) -> None:
    wrong = web.login("anna", "wrong password here")
    unknown = web.login("nobody", "wrong password here")
    assert wrong.status_code == unknown.status_code == 403
    assert "Name or password is wrong" in wrong.text


@pytest.mark.slow
def test_those_who_guess_are_slowed_down_even_with_the_right_password(web) -> None:
    for _ in range(MOST_FAILURES["both"]):
        web.login("anna", "wrong password here")
    assert web.login("anna").status_code == 429
    assert web.login("vera").status_code == 303


def test_a_login_form_of_another_browser_is_refused(web) -> None:
    assert web.login("anna", secret="forged").status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "used"),
    [("/desk?x=1", "/desk?x=1"), ("https://evil.example", "/"), ("//evil.example", "/"),
     ("/\\evil.example", "/"), ("/a\r\nSet-Cookie: x", "/"), ("javascript:alert(1)", "/")],
)  # fmt: skip
def test_after_the_login_only_our_own_pages_are_shown(web, target: str, used: str) -> None:
    assert web.login("anna", next=target).headers["location"] == used


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(web) -> None:
    cookie = web.login("anna").headers["set-cookie"]
    for word in ("__Host-vltflow_session", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert word in cookie


def test_a_disabled_account_is_out_at_once(web) -> None:
    web.login("anna")
    assert web.get("/profile").status_code == 200
    with web.store.write(by="ada", why="a test") as tx:
        tx.accounts.set_disabled("anna", disabled=True)
    assert "/login" in str(web.get("/profile").url)
    assert web.login("anna").status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["session_age", "session_idle"])
def test_a_session_ends_by_age_and_by_idleness(web, another, limit: str) -> None:
    web.login("anna")
    ended = another(web, **{limit: timedelta(seconds=-1)})
    if limit == "session_age":
        ended.login("anna")
    else:
        ended.client.cookies = web.client.cookies
    assert "/login" in str(ended.get("/profile").url)


def test_logging_out_ends_the_session_on_the_server(web) -> None:
    web.login("anna")
    kept = dict(web.client.cookies)
    web.post("/logout")
    web.client.cookies.clear()
    web.client.cookies.update(kept)
    assert "/login" in str(web.get("/profile").url)


def test_a_new_password_needs_the_old_one(web) -> None:
    web.login("anna")
    assert web.post("/profile/password", old="wrong", new="long enough word").status_code == 400
    short = web.post("/profile/password", old="correct horse battery", new="short")
    assert "12 to" in short.text
    web.post("/profile/password", old="correct horse battery", new="long enough word")
    assert web.login("anna").status_code == 403
    assert web.login("anna", "long enough word").status_code == 303


def _token(web, *scopes: str) -> str:
    page = web.post("/profile/tokens", label="plots", scopes=list(scopes), days="1").text
    return page.partition('<pre tabindex="0">')[2].partition("</pre>")[0]


def test_a_token_acts_within_its_scopes_and_without_a_form(waiting, another) -> None:
    waiting.login("anna")
    reading, deciding = _token(waiting, "read"), _token(waiting, "read", "decide")
    alone = another(waiting).client
    wanted = {"decision": "ACCEPTED", "comment": "fine", "seen": 1}
    for token, status in ((reading, 403), (deciding, 200), ("vltflow_x", 401)):
        answer = alone.post(
            "/api/ab/A/decision", json=wanted, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == status
    with waiting.store.read() as tx:
        assert {one.scopes for one in tx.accounts.tokens("anna")} == {
            (Right.READ,), (Right.READ, Right.DECIDE)
        }  # fmt: skip


def test_a_token_cannot_have_more_than_its_owner_and_manages_no_tokens(waiting, another) -> None:
    waiting.login("vera")
    assert waiting.post("/profile/tokens", label="x", scopes="decide").status_code == 400
    token = _token(waiting, "read")
    headers = {"Authorization": f"Bearer {token}"}
    alone = another(waiting).client
    assert alone.post("/profile/tokens", data={"label": "x"}, headers=headers).status_code == 401


def test_a_revoked_token_counts_no_more(waiting, another) -> None:
    waiting.login("anna")
    token = _token(waiting, "read")
    headers = {"Authorization": f"Bearer {token}"}
    alone = another(waiting).client
    assert alone.get("/api/desk", headers=headers).status_code == 200
    waiting.post("/profile/tokens/1/revoke")
    assert alone.get("/api/desk", headers=headers).status_code == 401


def test_a_private_server_shows_nothing_without_a_login(web, another) -> None:
    private = another(web, access=Access.PRIVATE)
    assert "/login" in str(private.get("/").url)
    for path in ("/api/desk", "/api/completeness/LAMP", "/api/campaigns", "/api/campaigns/x/y"):
        assert private.get(path).status_code == 401
    report = private.get("/campaigns/x/2015-02/report", follow_redirects=False)
    assert report.headers["location"].startswith("/login")
    private.login("vera")
    assert private.get("/api/desk").status_code == 200


def test_a_read_only_server_lets_nobody_in(web, another) -> None:
    closed = another(web, access=Access.READ_ONLY)
    assert closed.get("/").status_code == 200
    assert closed.get("/login").status_code == 403
    assert closed.client.post("/login", data={"name": "anna"}).status_code == 403


def test_no_password_goes_through_a_network_in_the_open(web, another) -> None:
    open_line = another(web, hosts=("qc.example",))
    open_line.client.base_url = "http://qc.example"
    assert "in the open" in open_line.text("/login", 400)
