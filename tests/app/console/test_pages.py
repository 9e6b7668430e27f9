"""What the console's pages show, and that whatever a stranger puts into a callback is shown and nothing more."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from app.console import body, links, overview, sparkline
from schemas.samples import packaged, sample
from tests.app.console import scene
from tests.app.console.operator import Operator
from tests.running import Answer, Service, until
from workers.queues.dead_letters import DeadLetter, DeadLetters

#: Text that would be seen if it were not escaped somewhere: an element, a way out of an attribute, and a script's end.
EVIL = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}<b id=evil>"


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def assert_harmless(page: str) -> None:
    """No tag, handler, script or address of a stranger's."""
    for tag, attributes in Tags(page).tags:
        assert attributes.get("id") != "evil"
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/console/static/")
        for name in ("href", "src", "action", "formaction"):
            address = attributes.get(name) or ""
            assert re.match(r"(/console|#|https?://|$)", address), (tag, name, address)
            if address.startswith("http") and tag == "a":
                assert attributes["rel"] == "noopener noreferrer"
    assert "49" not in re.findall(r">\s*(49)\s*<", page)


def recorded(service: Service, count: int = 1) -> list[dict[str, object]]:
    return until(lambda: len(found := service.api("events").json["events"]) >= count and found)


def evil_bodies() -> list[tuple[str, object]]:
    """Callbacks in which every text is EVIL, or an address that would run."""

    def poison(value: object, text: str) -> object:
        if isinstance(value, dict):
            return {key: poison(inner, text) for key, inner in value.items()}
        if isinstance(value, list):
            return [poison(inner, text) for inner in value]
        return text if isinstance(value, str) and value not in KEPT and not re.match(r"\d{4}-\d\d-", value) else value

    KEPT = {"success", "fail", "trans_result", "trans_basic", "transcode_start", "TranscodeComplete", "4.0", "no"}  # noqa: N806
    texts = (EVIL, "javascript:alert(1)//", "data:text/html,<script>alert(1)</script>", "java\nscript:alert(1)")
    found: list[tuple[str, object]] = []
    for source in ("cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "cts-video-failed"):
        payload = json.loads(packaged(source))
        found += [(source.removesuffix("-failed"), poison(payload, text)) for text in texts]
    return found


def test_nothing_a_stranger_sends_becomes_more_than_text(service: Service, operator: Operator) -> None:
    for source, payload in evil_bodies():
        service.post(source, json.dumps(payload).encode())
    for source in ("cts-video", "zego"):
        service.post(source, EVIL.encode())
        service.post(source, json.dumps({EVIL: EVIL, "status": EVIL, "vid": [EVIL]}).encode())
    until(lambda: not service.store.xlen("ti:inbox"))
    events = service.api("events?limit=100").json["events"]
    letters = service.api("dead-letters?limit=100").json["dead_letters"]
    assert len(events) > 12
    assert len(letters) > 3
    paths = ["", "/events", "/dead-letters", "/events?q=" + quote(EVIL), "/events?source=" + quote(EVIL)]
    paths += ["/events/" + quote(event["id"], safe="") for event in events]
    paths += ["/dead-letters/" + quote(letter["id"], safe="") for letter in letters]
    paths += ["/dead-letter-discard/" + quote(letter["id"], safe="") for letter in letters]
    for path in paths:
        page = operator.page("/console" + path)
        assert_harmless(page)
        assert_harmless(operator.page("/console" + path + ("&" if "?" in path else "?") + "part=1"))
    # And it is shown, not dropped.
    assert any("&lt;img src=x onerror" in operator.page("/console/events/" + event["id"]) for event in events)


@pytest.mark.parametrize("path", ["/events/", "/dead-letters/", "/dead-letter-discard/", "/subscriptions/", "/"])
def test_an_address_that_leads_nowhere_is_said_and_not_echoed_as_markup(operator: Operator, path: str) -> None:
    answer = operator.get("/console" + path + quote(EVIL, safe=""))
    assert answer.status == 404
    assert_harmless(answer.body.decode())


def test_a_body_is_downloaded_as_bytes_and_its_name_cannot_break_out_of_the_header(
    service: Service, operator: Operator
) -> None:
    service.post("cts-video", b"<script>alert(1)</script>")
    letter = until(lambda: service.api("dead-letters").json["dead_letters"])[0]
    answer = operator.get("/console/dead-letter-body/" + letter["id"])
    assert answer.body == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9-]+\.txt"', answer.headers["Content-Disposition"])


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("http://a.example/x.png", True),
        ("https://a.example/x.png?a=b&c=d", True),
        ("javascript:alert(1)", False),
        ("JAVASCRIPT:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\tscript:alert(1)", False),
        ("data:text/html,x", False),
        ("vbscript:x", False),
        ("//a.example/x", False),
        ("/x", False),
        ("http://", False),
        ("http://a b/", False),
        ("http://a.example/\n", False),
        ("http://[::1", False),
        ("ftp://a.example/x", False),
        (None, False),
        (7, False),
    ],
)
def test_only_plain_http_addresses_become_links(url: object, is_link: bool) -> None:
    assert links.is_link(url) is is_link


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://192.168.1.1/reboot",
        "http://[::1]/x.png",
        "http://2130706433/x.png",
        "http://0x7f.1/x.png",
        "http://localhost/x.png",
        "http://router/x.png",
        "http://nas.local/x.png",
        "http://a.example:8080/x.png",
        "http://user:secret@a.example/x.png",
        "http://a.example;script-src/x.png",
        "http://a.example'/x.png",
        "http://a.example:99999/x.png",
        "javascript:alert(1)",
    ],
)
def test_no_callback_makes_the_operators_browser_ask_inside_its_network(url: str) -> None:
    assert links.picture_origin(url) is None


def test_pictures_may_come_from_the_hosts_of_this_event_and_no_other_page_shows_any(
    service: Service, operator: Operator
) -> None:
    service.post("cts-snapshot", sample("cts-snapshot"))
    event = recorded(service)[0]
    answer = operator.get(f"/console/events/{event['id']}")
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' http://test-1253125191.cossh.myqcloud.com;" in policy
    pictures = [
        attributes for tag, attributes in Tags(answer.body.decode()).tags if tag == "img" and "alt" in attributes
    ]
    theirs = [one for one in pictures if (one["src"] or "").startswith("http")]
    assert len(theirs) == 5
    assert all(one["referrerpolicy"] == "no-referrer" and one["loading"] == "lazy" for one in theirs)
    assert "img-src 'self';" in operator.get("/console/events").headers["Content-Security-Policy"]


def test_an_event_is_found_by_each_of_its_ids_and_addresses(service: Service, operator: Operator) -> None:
    for source in ("tencent-vod", "cts-video", "zego"):
        service.post(source, sample(source))
    for event in recorded(service, 3):
        rendition = event["renditions"][0]
        for text in (event["media_id"], event["task_id"], *rendition["urls"]):
            page = operator.page("/console/events?q=" + quote(str(text), safe=""))
            assert f'id="{event["id"]}"' in page, text
        for text in (event["id"], rendition["id"], f" {event['id']} "):
            answer = operator.get("/console/events?q=" + quote(str(text), safe=""))
            assert answer.headers["Location"] == f"/console/events/{event['id']}"
    assert "No event matches" in operator.page("/console/events?q=nobody")


def test_filters_combine_and_a_page_leads_to_the_next(service: Service, operator: Operator) -> None:
    for _ in range(35):
        service.post("cts-audio", sample("cts-audio"))
    service.post("cts-video", packaged("cts-video-failed"))
    until(lambda: len(service.api("events?limit=500").json["events"]) == 36)
    page = operator.page("/console/events?source=cts-audio&status=succeeded")
    assert page.count('<tr id="') == 30
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    page = operator.page(following[1].replace("&amp;", "&"))
    assert page.count('<tr id="') == 5
    page = operator.page("/console/events?status=failed")
    assert page.count('<tr id="') == 1
    assert operator.get("/console/events?cursor=nonsense").status == 400


def test_the_live_list_costs_nothing_while_nothing_comes(service: Service, operator: Operator) -> None:
    service.post("zego", sample("zego"))
    recorded(service)
    newest = re.search(r'data-newest="([^"]+)"', operator.page("/console/events"))
    assert newest
    assert operator.get(f"/console/events?part={newest[1]}").status == 204
    service.post("zego", sample("zego"))
    recorded(service, 2)
    answer = operator.get(f"/console/events?part={newest[1]}")
    assert answer.status == 200
    assert answer.body.count(b'<tr id="') == 2
    assert operator.get(f"/console/events?part={answer.headers['X-Newest']}").status == 204


def test_the_script_is_told_when_the_session_is_over(service: Service) -> None:
    for look in ("?part=1", "/events?part=1-1", "/pulse"):
        assert Operator(service).get("/console" + look).status == 401


def test_a_dead_letter_is_replayed_discarded_and_gone(service: Service, operator: Operator) -> None:
    scene.post_broken(service)
    letters = {letter["reason"]: letter["id"] for letter in service.api("dead-letters").json["dead_letters"]}
    assert "Go to the broken place" in operator.page(f"/console/dead-letters/{letters['malformed_json']}")
    assert operator.post(f"/console/dead-letter-replay/{letters['invalid']}").status == 303
    until(lambda: service.api(f"dead-letters/{letters['invalid']}").status == 200)
    assert "Discard" in operator.page(f"/console/dead-letter-discard/{letters['unreadable']}")
    assert service.api(f"dead-letters/{letters['unreadable']}").status == 200
    assert operator.post(f"/console/dead-letter-discard/{letters['unreadable']}").status == 303
    assert service.api(f"dead-letters/{letters['unreadable']}").status == 404
    for path in ("dead-letter-replay", "dead-letter-discard"):
        assert operator.post(f"/console/{path}/{letters['unreadable']}").status == 404
    assert operator.get(f"/console/dead-letters/{letters['unreadable']}").status == 404


def test_more_dead_letters_than_one_batch_are_all_discarded(service: Service, operator: Operator) -> None:
    letters = [
        DeadLetter("zego", b"{%d" % number, "malformed_json", "broken", 1, f"1-{number}/0") for number in range(250)
    ]
    assert not any(DeadLetters(service.store).add(letters))
    assert "250 discarded" in operator.post("/console/dead-letters-discard-all", source="zego").body.decode()
    assert service.api("dead-letters").json["dead_letters"] == []


def test_all_dead_letters_that_match_are_discarded_and_no_others(service: Service, operator: Operator) -> None:
    for number in range(3):
        service.post("cts-audio", b"{%d" % number)
        service.post("cts-video", b"{%d" % number)
    until(lambda: len(service.api("dead-letters").json["dead_letters"]) == 6)
    assert "Discard 3 dead letters?" in operator.page("/console/dead-letters-discard-all?source=cts-audio")
    done = operator.post("/console/dead-letters-discard-all", source="cts-audio")
    assert "3 discarded" in done.body.decode()
    assert {letter["source"] for letter in service.api("dead-letters").json["dead_letters"]} == {"cts-video"}
    done = operator.post("/console/dead-letters-replay-all")
    assert "3 tried again" in done.body.decode()
    until(lambda: len(service.api("dead-letters").json["dead_letters"]) == 3)


def filled(**more: str) -> dict[str, str]:
    return {"url": "https://a.example/hook", "each": "rendition", **more}


def added(answer: Answer) -> str:
    assert answer.status == 303, answer.body
    found = re.fullmatch(r"/console/subscriptions/(sub_[0-9a-f]{20})\?done=added", answer.headers["Location"])
    assert found
    return found[1]


def test_a_subscription_is_added_disabled_enabled_and_removed(service: Service, operator: Operator) -> None:
    its_id = added(operator.post("/console/subscriptions/add", **filled(min_height="720", kind="video", name="f*")))
    kept = service.api(f"subscriptions/{its_id}").json
    assert kept["filter"] == {
        "source": None,
        "type": None,
        "status": None,
        "kind": "video",
        "name": "f*",
        "media_id": None,
        "min_height": 720,
    }
    page = operator.page(f"/console/subscriptions/{its_id}")
    assert "https://a.example/hook" in page
    assert kept["secret"] in page
    assert kept["secret"] not in operator.page("/console/subscriptions")
    assert operator.post(f"/console/subscriptions/{its_id}/disable").status == 303
    assert service.api(f"subscriptions/{its_id}").json["disabled"]
    assert operator.post(f"/console/subscriptions/{its_id}/enable").status == 303
    assert not service.api(f"subscriptions/{its_id}").json["disabled"]
    assert "Remove this subscription?" in operator.page(f"/console/subscriptions/{its_id}/remove")
    assert operator.post(f"/console/subscriptions/{its_id}/remove").status == 303
    assert service.api(f"subscriptions/{its_id}").status == 404
    for what in ("disable", "enable", "remove"):
        assert operator.post(f"/console/subscriptions/{its_id}/{what}").status == 404


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "ftp://a.example", "Must begin with http://, https:// or celery://"),
        ("url", EVIL, "Must be visible ASCII"),
        ("min_height", "tall", "Must be a whole number"),
        ("min_height", "0", "Must be a whole number from 1"),
        ("type", "nonsense", "Must be a type of event"),
        ("secret", "x", "Must be whsec_"),
        ("each", "both", "Must be one of rendition, event"),
    ],
)
def test_what_is_wrong_with_a_subscription_is_said_at_its_field(
    operator: Operator, field: str, value: str, said: str
) -> None:
    answer = operator.post("/console/subscriptions/add", **filled(**{field: value}))
    page = answer.body.decode()
    assert answer.status == 422
    assert re.search(rf'id="wrong-{field}">.*?</svg> {re.escape(said)}', page, re.DOTALL)
    assert_harmless(page)


def test_a_body_is_laid_out_with_every_number_and_repeated_name_as_it_was_written() -> None:
    text = '{"a": 1.50, "b": [1E5, -0, 12345678901234567890123, 0.1000], "a": {}, "c": [[], {"d": "\\u00e9\\"}{"}]}'
    shown = body.shown(text.encode())
    assert shown.form == "json"
    assert "".join("".join(piece.text for piece in line.pieces).strip() for line in shown.lines) == re.sub(
        r",\s", ",", text
    )
    assert not shown.is_cut


def test_the_fields_that_a_message_names_are_marked_and_the_missing_ones_noted_where_they_should_be() -> None:
    text = '{"vid": 3, "data": {"info": [{"url": 1}, {"name": "x"}]}}'
    message = "vid: Not a valid string; data.info.1.url: Missing data for required field; status: Missing data for required field"
    lines = body.shown(text.encode(), message=message).lines
    notes = {"".join(piece.text for piece in line.pieces).strip(): line.note for line in lines if line.note}
    assert notes == {
        "{": "data.info.1.url: Missing data for required field",
        '"vid": 3,': "vid: Not a valid string",
    } | {"{": notes["{"]}
    assert [line.note for line in lines if "url" in line.note] == ["data.info.1.url: Missing data for required field"]
    assert lines[0].note == "status: Missing data for required field"
    assert [piece.text for piece in lines[1].pieces if piece.is_broken] == ['"vid"', "3"] or [
        piece.text for piece in lines[1].pieces if piece.is_broken
    ] == ["3"]


def test_the_character_at_which_json_breaks_is_marked() -> None:
    shown = body.shown(b'{\n  "a": 1\n  "b": 2\n}', message="line 3 column 3: expecting ','")
    marked = [(line.number, piece.text) for line in shown.lines for piece in line.pieces if piece.is_broken]
    assert (shown.form, marked) == ("text", [("3", '"')])
    assert shown.lines[2].note == "expecting ','"
    at_the_end = body.shown(b'{"a": ', message="line 1 column 7: expecting a value")
    assert [piece.text for piece in at_the_end.lines[0].pieces if piece.is_broken] == ["␤"]


def test_bytes_that_are_no_text_are_shown_as_bytes_with_the_broken_one_marked() -> None:
    shown = body.shown(b"x" * 1000 + b"\xff" + b"y" * 1000, message="byte 1001 is not UTF-8")
    marked = [(line.number, piece.text) for line in shown.lines for piece in line.pieces if piece.is_broken]
    assert (shown.form, marked, shown.is_cut) == ("bytes", [("0003e0", "ff")], True)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b'{"a":' * 1000,
        b'"' * 999_999,
        b"{" + b'"a":1,' * 150_000 + b'"a":1}',
        b"\n" * 900_000,
        b"x" * 1_000_000,
    ],
    ids=["brackets", "deep", "quotes", "wide", "lines", "long"],
)
def test_a_body_of_any_size_is_shown_in_a_moment_and_a_bounded_page(content: bytes) -> None:
    shown = body.shown(content, message="line 1 column 200000: expecting a value")
    assert len(shown.lines) <= body.MOST_LINES + 1
    assert sum(len(piece.text) for line in shown.lines for piece in line.pieces) < 4_000_000
    assert shown.is_cut


def test_a_percent_encoded_body_is_shown_decoded() -> None:
    shown = body.shown(b"%7B%22a%22%3A+1%7D", percent_encoded=True)
    assert (shown.form, shown.was_encoded) == ("json", True)
    assert body.shown(b"%7B%22a%22%3A+1%7D").form == "text"


def samples_of(*counts: int | None, step: int = 10_000) -> list[dict[str, object]]:
    return [
        {"now": 1_000_000 + number * step, "counters": {"accepted:zego": count}}
        for number, count in enumerate(counts)
        if count is not None
    ]


def test_a_curve_is_callbacks_a_second_and_has_gaps_where_no_clock_was_running() -> None:
    curve = sparkline.curves(samples_of(0, 10, 40, None, None, 70, 80), ["zego"], seconds=60)["zego"]
    assert curve.points == [1.0, 3.0, None, None, None, 1.0]
    assert (curve.now, curve.most) == (1.0, 3.0)
    line, area = curve.paths
    assert line.count("M") == area.count("M") == 2
    empty = sparkline.curves([], ["zego"], seconds=60)["zego"]
    assert (empty.now, empty.most, empty.paths) == (None, 0.0, ("", ""))


def test_what_is_slow_and_what_is_wrong_is_told_apart_by_how_long_it_waits() -> None:
    assert [overview.level("inbox", seconds) for seconds in (0, 6, 16)] == ["good", "slow", "bad"]
    assert [overview.level("pull", seconds) for seconds in (60, 301, 3601)] == ["good", "slow", "bad"]


def stages_of(**more: dict[str, object]) -> dict[str, dict[str, object]]:
    nothing = {"waiting": 0, "oldest_seconds": 0.0}
    return {
        "inbox": nothing,
        "pull": {**nothing, "held": 0},
        "deliveries": {**nothing, "out": 0, "late_seconds": 0.0, "open_circuits": 0},
        "dead_letters": nothing,
    } | more


def test_a_destination_that_keeps_failing_is_to_be_looked_at_even_while_nothing_waits_for_it() -> None:
    paused = stages_of(deliveries={**stages_of()["deliveries"], "open_circuits": 2})
    assert overview.flow(paused, [])["deliveries"].level == "slow"
    assert [look.word for look in overview.looks(paused)] == ["look.circuits"]
    assert overview.looks(stages_of()) == []


def test_no_worker_is_wrong_and_one_that_lives_is_not() -> None:
    assert overview.flow(stages_of(), [])["workers"].level == "bad"
    assert overview.flow(stages_of(), [{"kind": "worker", "lives": False}])["workers"].level == "bad"
    assert overview.flow(stages_of(), [{"kind": "worker", "lives": True}])["workers"].level == "good"


def test_a_process_that_was_replaced_is_no_alarm_and_one_that_is_missing_is() -> None:
    processes = [
        {"kind": "web", "lives": False, "age": 900, "silent": 60.0},
        {"kind": "web", "lives": True, "age": 61, "silent": 0.2},
        {"kind": "worker", "lives": False, "age": 900, "silent": 60.0},
        {"kind": "worker", "lives": True, "age": 900, "silent": 0.2},
    ]
    assert [process["replaced"] for process in overview.with_replacements(processes)] == [True, False, False, False]


def test_the_overview_says_in_sentences_what_readyz_says(service: Service, operator: Operator) -> None:
    until(lambda: "Everything works." in operator.page("/console"))
    parts = service.get("/readyz").json["parts"]
    page = operator.page("/console")
    for process in parts["processes"]["list"]:
        assert str(process["pid"]) in page
