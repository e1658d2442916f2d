"""What people do, in a real browser."""

import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first one makes the week
expect = pytest.importorskip("playwright.sync_api").expect
Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe

MONITOR = "/monitor/UVES/2015-02-26"
SCIENCE = "/monitor/UVES/2015-02-24"
RUNNING_NIGHT = "2015-02-25"
RON = "parameter=QC+OUT1+RON+MASTER&category=MASTER_BIAS_BLUE"
PAGES = (
    "/", MONITOR, f"{MONITOR}?status=NOTHING", SCIENCE, "/monitor/GIRAFFE/2015-02-26",
    "/monitor/MUSE/2015-02-22", "/ab/{red}", "/ab/{red}/report", "/ab/{red}/log",
    "/desk", "/desk/{other}", "/display/{image}", "/profile", "/nowhere",
    "/health", "/health/UVES", "/health/GIRAFFE", "/health/UVES/bias_blue",
    "/qc1", f"/qc1?instrument=UVES&{RON}", "/products", "/products?target=nobody",
    "/products/{spectrum}", "/completeness", "/completeness/UVES", "/campaigns", "/campaigns/UVES",
    "/accounts",
)  # fmt: skip


def _set_problem(store, name: str, problem: str) -> None:
    with store.write(by="test", why="a change while somebody looks") as tx:
        tx.blocks.set_problem(name, problem)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everybody_fits_every_screen_and_asks_no_other_host(
    open_page, known, path
) -> None:
    page = open_page(path.format(**known), person="ada")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
    for width in (800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {host.partition(":")[0] for host in page.hosts} == {"127.0.0.1"}
    assert [fault for fault in page.faults if "404" not in fault] == []


@pytest.mark.parametrize("path", ["/ab/{first}", MONITOR, "/desk/{first}"])
def test_a_word_without_end_makes_no_page_wider_than_a_phone(open_page, store, known, path) -> None:
    _set_problem(store, known["first"], 40 * "no_line_was_identified_")
    page = open_page(path.format(**known), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_page_of_the_menu_is_in_the_list_of_this_test(open_page) -> None:
    links = open_page("/").locator("header nav a")
    shown = {link.get_attribute("href") for link in links.all()}
    assert shown - {"/monitor"} <= set(PAGES)


def test_the_login_page_is_accessible(open_page) -> None:
    assert Axe().run(open_page("/login")).violations_count == 0


def test_a_change_appears_by_itself_unless_live_is_off(open_page, store, known) -> None:
    page = open_page(MONITOR)
    _set_problem(store, known["first"], "seen at once")
    expect(page.locator("table")).to_contain_text("seen at once")
    page.uncheck("[data-live-switch]")
    _set_problem(store, known["first"], "not seen yet")
    page.wait_for_timeout(3000)
    expect(page.locator("table")).not_to_contain_text("not seen yet")
    page.check("[data-live-switch]")
    expect(page.locator("table")).to_contain_text("not seen yet", timeout=10_000)


def test_a_night_is_watched_while_it_runs_and_when_it_ends(open_page, gated_night) -> None:
    page = open_page(f"/monitor/UVES/{RUNNING_NIGHT}")
    page.evaluate("window.kept = true")
    states = page.locator("tbody tr")
    expect(states.filter(has_text="planned")).to_have_count(4)
    with gated_night.running() as running:
        for state in ("running", "succeeded"):
            expect(states.filter(has_text=state)).to_have_count(2, timeout=60_000)
        assert running.poll() is None
        gated_night.gate.touch()
        expect(states.filter(has_text="AUTO")).to_have_count(4, timeout=60_000)
    assert running.returncode == 0
    assert page.evaluate("window.kept"), "the page was loaded again"


def test_filters_go_into_the_address_and_come_back_from_it(open_page, known) -> None:
    page = open_page(MONITOR)
    page.fill("[data-search]", "bias_blue")
    page.select_option("[name=score]", "red")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=bias_blue&score=red$"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.input_value("[data-search]") == "bias_blue"


def test_a_column_sorts_up_and_down(open_page) -> None:
    page = open_page(MONITOR)
    page.click("th a:has-text('score')")
    page.click("th a:has-text('score')")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("score")
    expect(page.locator("tbody tr").first).to_contain_text("red")


def test_the_keyboard_is_enough(open_page, known) -> None:
    page = open_page(MONITOR)
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    expect(page.locator("tr.current")).to_contain_text(known["first"])
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ab/"))


def test_the_second_of_two_people_is_told(open_page, known) -> None:
    pages = [open_page(f"/desk/{known['red']}", person=name) for name in ("anna", "bert")]
    for page, comment in zip(pages, ("noise is real", "lamp"), strict=True):
        page.fill("[name=comment]", comment)
    pages[0].click("text=✕ Reject")
    expect(pages[0]).not_to_have_url(re.compile(known["red"]))
    pages[1].click("text=✓ Accept")
    expect(pages[1].locator("main")).to_contain_text("decided by anna")
    expect(pages[1].locator("main")).to_contain_text("noise is real")


def test_marked_abs_are_decided_together(open_page, known) -> None:
    page = open_page("/desk", person="anna")
    page.check(f"input[value^='{known['third']}']")
    page.fill("[name=comment]", "all looked at")
    page.click("text=Accept all marked")
    expect(page.locator("h1")).to_contain_text("1 of 1")


def test_an_expired_session_leads_back_to_the_login(open_page, store, known) -> None:
    page = open_page(f"/desk/{known['other']}", person="bert")
    with store.write(by="test", why="the session is over") as tx:
        tx.accounts.end_sessions("bert")
    page.fill("[name=comment]", "too late")
    page.click("text=✓ Accept")
    expect(page.locator("h1")).to_have_text("Please log in")
    page.goto(page.url.partition("/ab/")[0] + "/profile")
    expect(page.locator("h1")).to_have_text("Log in")


def test_a_server_that_is_gone_is_told_quietly_and_found_again(
    open_page, server, store, known
) -> None:
    page = open_page(MONITOR)
    assert server.stop() == 0, "it did not end gracefully"
    expect(page.locator("#trouble")).to_contain_text("does not answer", timeout=15_000)
    expect(page.locator("table")).to_contain_text(known["first"])
    server.start()
    _set_problem(store, known["first"], "back again")
    expect(page.locator("table")).to_contain_text("back again", timeout=30_000)
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_point_of_a_health_plot_leads_to_its_ab_and_qc_report(open_page) -> None:
    page = open_page("/health/UVES/bias_blue?range=full")
    box = page.locator("[data-health]").first
    expect(box).to_have_attribute("data-drawn", re.compile(r"\d+"))
    box.focus()
    page.keyboard.press("ArrowRight")
    links = page.locator("[data-reading] a")
    expect(links).to_have_text(["AB", "QC report"])
    assert links.nth(1).get_attribute("href").endswith("/report")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ab/"))


def test_figures_of_the_report_are_drawn_when_it_is_opened(open_page, known) -> None:
    page = open_page(f"/ab/{known['red']}/report")
    expect(page.locator("#figures figure svg").first).to_be_visible()


def test_an_image_is_zoomed_and_tells_its_pixels(open_page, known) -> None:
    page = open_page(f"/display/{known['image']}")
    image = page.locator("#viewer img")
    whole = image.get_attribute("width")
    page.click("text=+ closer")
    expect(image).not_to_have_attribute("width", whole)
    image.click(position={"x": 50, "y": 50})
    expect(page.locator("#pixel")).to_contain_text(re.compile(r"x = \d+, y = \d+"))


def test_light_and_dark_are_switched_and_remembered(open_page) -> None:
    page = open_page("/", scheme="light")
    page.click("#theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
