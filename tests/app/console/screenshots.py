"""`make screenshots`: every page of the console, light and dark, from a running service with something in it."""

import random
import re
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.samples import sample
from tests.app.console import scene
from tests.app.console.chromium import chromium, missing
from tests.pull_client import PullClient
from tests.running import API_TOKEN, ROOT, SECRET_ID, SECRET_KEY, Service, a_store, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

INTO = ROOT / "docs" / "screenshots"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 375, "height": 812}
#: Pixels of height after which a picture ends.
MOST_HEIGHT = 1500


def pages(service: Service) -> Iterator[tuple[str, str]]:
    """The name of each picture, and the page it shows."""

    def first(path: str, **wanted: str) -> str:
        name = path.replace("-", "_")
        return next(one["id"] for one in service.api(f"{path}?limit=500").json[name] if wanted.items() <= one.items())

    yield "overview", ""
    yield "events", "/events"
    yield "event", "/events/" + story(service)
    yield "event-pictures", "/events/" + first("events", source="cts-snapshot", status="succeeded")
    yield "event-failed", "/events/" + first("events", source="cts-video", status="failed")
    yield "dead-letters", "/dead-letters"
    yield "dead-letter", "/dead-letters/" + first("dead-letters", reason="malformed_json")
    yield "dead-letter-fields", "/dead-letters/" + first("dead-letters", reason="invalid")
    if letters := service.api("dead-letters?sort=delivery").json["dead_letters"]:
        yield "dead-letter-delivery", "/dead-letters/" + letters[0]["id"]
    yield "dead-letter-discard", "/dead-letter-discard/" + first("dead-letters", reason="malformed_json")
    yield "dead-letters-replay", "/dead-letters-replay-all?reason=signature"
    yield "subscriptions", "/subscriptions"
    failing = next(one["id"] for one in service.api("subscriptions").json["subscriptions"] if one["health"]["failed"])
    yield "subscription", f"/subscriptions/{failing}"
    yield "subscription-add", "/subscriptions/add"


def story(service: Service) -> str:
    """The event of cts-video of which there is most to tell."""
    listed = service.api("events?source=cts-video&status=succeeded").json["events"]
    steps = {one["id"]: len(service.api(f"events/{one['id']}").json["history"]) for one in listed}
    return max(steps, key=lambda its_id: steps[its_id])


def picture(number: int, width: int = 320, height: int = 180) -> bytes:
    """A PNG that stands for a snapshot: the vendors' hosts are not asked for theirs."""
    number %= 5
    hue = ((70, 110, 150), (120, 90, 130), (60, 130, 115), (150, 115, 75), (95, 105, 160))[number]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            sun = (x - width * (0.3 + 0.1 * number)) ** 2 + (y - height * 0.35) ** 2 < (height * 0.13) ** 2
            hill = y > height * (0.72 - 0.12 * ((x / width - 0.5) ** 2 + 0.3 * (number % 3) * (x / width)))
            shade = 1.6 if sun else 0.45 if hill else 1.25 - 0.5 * y / height
            rows += bytes(min(255, int(part * shade)) for part in hue)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(rows))),
            (b"IEND", b""),
        )
    )


def open_console(browser: "Browser", service: Service, **options: object) -> "Page":
    """A page that is logged in, with pictures where the vendors would have them."""
    context = browser.new_context(**{"timezone_id": "Asia/Shanghai", "locale": "en-GB", **options})  # type: ignore[arg-type]
    page = context.new_page()
    numbers: dict[str, int] = {}

    def vendor(route: object) -> None:
        url = route.request.url  # type: ignore[attr-defined]
        number = numbers.setdefault(url, len(numbers))
        route.fulfill(body=picture(number), content_type="image/png")  # type: ignore[attr-defined]

    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), vendor)
    page.goto(f"{service.url}/console")
    page.fill("#token", API_TOKEN)
    page.click("button.primary")
    page.wait_for_url("**/console")
    return page


def take(page: "Page", service: Service, path: str, into: Path) -> None:
    page.goto(f"{service.url}/console{path}")
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    # Rows that have just come in are tinted for a moment.
    page.wait_for_timeout(2600 if path in ("", "/events") else 200)
    width = page.viewport_size["width"]  # type: ignore[index]
    height = min(MOST_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
    page.screenshot(path=into, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def furnish(service: Service, works: str, fails: str) -> None:
    """Everything a picture should show."""
    scene.subscribe(service, f"{works}/renditions", filter={"kind": "video", "min_height": 720})
    scene.subscribe(service, "celery://publishing/site.tasks.publish", each="event", filter={"status": "succeeded"})
    scene.subscribe(service, f"{fails}/hooks/vod", each="event", filter={"source": "tencent-vod", "status": "failed"})
    scene.post_all(service, rounds=6)
    scene.post_failed(service, "tencent-vod", count=4)
    client = PullClient(service)
    for _ in range(2):
        client.confirm(*[event["msgHandle"] for event in until(client.pull)][:14])
    scene.post_all(service, rounds=2)
    until(lambda: service.api("dead-letters?sort=delivery").json["dead_letters"], 60)
    # What is delivered from now on has a day for it, as usual.
    service.kill("clock")
    service.start("clock", DELIVERY_HOURS="24")
    scene.post_broken(service)
    scene.give_a_past(service)


Colour = tuple[int, int, int]


def _apart(one: Colour, other: Colour) -> int:
    return sum((part - its) ** 2 for part, its in zip(one, other, strict=True))


def _chosen(colours: list[Colour]) -> list[Colour]:
    """At most 256 of the colours, given by how frequent they are: the first as they are, then whatever is least like those."""
    kept, rest = colours[:48], {tuple(part >> 3 for part in colour): colour for colour in reversed(colours[48:])}
    far = {colour: min(_apart(colour, one) for one in kept) for colour in rest.values()}
    while far and len(kept) < 256:
        kept.append(max(far, key=lambda colour: far[colour]))
        del far[kept[-1]]
        far = {colour: min(before, _apart(colour, kept[-1])) for colour, before in far.items()}
    return kept


class Palette(dict[Colour, int]):
    """The nearest of a few colours to any colour, by number."""

    def __init__(self, colours: list[Colour]) -> None:
        super().__init__({colour: number for number, colour in reversed(list(enumerate(colours)))})
        self.colours = colours

    def __missing__(self, colour: Colour) -> int:
        self[colour] = nearest = min(range(len(self.colours)), key=lambda number: _apart(colour, self.colours[number]))
        return nearest


def smaller(directory: Path) -> None:
    """Pages of few colours need a palette only: the most frequent as they are, the rest nearly so. Without Pillow they stay."""
    try:
        from PIL import Image
    except ImportError:
        return
    for path in directory.glob("*.png"):
        image = Image.open(path).convert("RGB")
        palette = Palette(_chosen([colour for _, colour in sorted(image.getcolors(1 << 24), reverse=True)]))
        content = image.tobytes()
        numbers = map(palette.__getitem__, zip(content[::3], content[1::3], content[2::3], strict=True))
        small = Image.frombytes("P", image.size, bytes(numbers))
        small.putpalette([part for colour in palette.colours for part in colour])
        small.save(path, optimize=True)


@contextmanager
def traffic(service: Service) -> Iterator[None]:
    """Callbacks that go on coming, as on any other night."""
    stop, chance = threading.Event(), random.Random(3)

    def post() -> None:
        while not stop.wait(1 / sum(scene.PACE.values())):
            source = chance.choices(list(scene.PACE), list(scene.PACE.values()))[0]
            with suppress(OSError):
                service.post(source, sample(source, zego_secret=scene.ZEGO_SECRET))

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Takes them all."""
    if why := missing():
        sys.exit(f"No screenshots: {why}.")
    INTO.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(a_store(directory / "store"))
        works, fails = stack.enter_context(scene.receivers())
        service = Service(
            f"redis://127.0.0.1:{store.port}/0",
            directory,
            ZEGO_CALLBACK_SECRET=scene.ZEGO_SECRET,
            SPOOL_DIR=str(directory / "spool"),
            DELIVERY_HOURS="0.004",
            PULL_CREDENTIALS=f"{SECRET_ID}:{SECRET_KEY},AKIDother:another:1500000001",
        )
        stack.callback(service.stop)
        service.start("web", "worker", "worker-2", "clock")
        furnish(service, works.url, fails.url)
        browser = stack.enter_context(chromium())
        names = list(pages(service))
        stack.enter_context(traffic(service))
        time.sleep(20)
        for theme in ("light", "dark"):
            page = open_console(browser, service, viewport=WIDE, color_scheme=theme)
            for name, path in names:
                take(page, service, path, INTO / f"{name}-{theme}.png")
            page.context.clear_cookies()
            take(page, service, "/log-in", INTO / f"log-in-{theme}.png")
            page.context.close()
        page = open_console(browser, service, viewport=WIDE, color_scheme="light", locale="zh-CN")
        for name, path in names:
            if name in ("overview", "dead-letter"):
                take(page, service, path, INTO / f"{name}-zh.png")
        page.context.close()
        page = open_console(browser, service, viewport=NARROW, color_scheme="dark")
        for name, path in names:
            if name in ("overview", "events", "dead-letter"):
                take(page, service, path, INTO / f"{name}-phone.png")
        page.context.close()
        # What somebody sees who was woken: workers that are gone, and callbacks that wait for them.
        service.kill("worker")
        service.kill("worker-2")
        until(lambda: not service.get("/readyz").json["parts"]["inbox"]["ok"], 60)
        for theme in ("light", "dark"):
            page = open_console(browser, service, viewport=WIDE, color_scheme=theme)
            take(page, service, "", INTO / f"overview-trouble-{theme}.png")
            page.context.close()
    smaller(INTO)


if __name__ == "__main__":
    main()
