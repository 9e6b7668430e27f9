"""`/api/dead-letters`: what an operator relies on when something goes wrong."""

import base64
import json
from typing import Any

import pytest

from schemas.samples import sample
from schemas.webhook import webhook_id
from tests.receiver import Receiver
from tests.running import API_TOKEN, Answer, Service, until


def ask(service: Service, method: str, path: str = "", body: Any = None) -> Answer:
    text = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    return service.request(method, f"/api/dead-letters{path}", text, {"Authorization": f"Bearer {API_TOKEN}"})


def settled(service: Service) -> None:
    until(lambda: service.store.xlen("ti:inbox") == 0)


def letters(service: Service, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(service, "GET", query).json["dead_letters"]
    return found


def broken(source: str) -> tuple[bytes, bytes]:
    """A body that somebody broke, and what it should have been."""
    mended = sample(source)
    return mended.replace(b":", b"", 1), mended


def lines(found: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(letter).encode() + b"\n" for letter in found)


def test_a_mended_body_becomes_an_event_with_the_time_the_broken_one_came(service: Service) -> None:
    body, mended = broken("cts-video")
    service.post("cts-video", body)
    settled(service)
    (letter,) = letters(service)
    assert (letter["sort"], letter["reason"], letter["subscription"]) == ("callback", "malformed_json", None)
    answer = ask(service, "POST", f"/{letter['id']}/replay", mended)
    assert (answer.status, answer.json) == (202, {"id": letter["id"], "replayed": True})
    settled(service)
    (event,) = service.api("events").json["events"]
    assert (event["received_at"], event["raw"]) == (letter["received_at"], json.loads(mended))
    assert letters(service) == []


def test_a_body_mended_badly_leaves_the_letter_and_says_what_is_still_wrong(service: Service) -> None:
    service.post("cts-video", b"{")
    settled(service)
    (letter,) = letters(service)
    answer = ask(service, "POST", f"/{letter['id']}/replay", b'{"status": 0')
    assert (answer.status, answer.json["error"]["code"]) == (400, "still_broken")
    assert "line 1 column 13" in answer.json["error"]["message"]
    assert letters(service) == [letter]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{\n  "status": 0,\n  "vid" "x"}', {"line": 3, "column": 9}),
        (b'{"status": NaN}', {"line": 1, "column": 12}),
        (b"[1]", {"line": 1, "column": 1}),
        (b'{"a": "\xe4\xb8\xad",\n"b": "\xff"}', {"line": 2, "column": 7}),
        (b"{}", {"field": "status"}),
        (b"", None),
    ],
)
def test_a_letter_says_where_its_body_is_broken(service: Service, body: bytes, place: Any) -> None:
    service.post("cts-video", body)
    settled(service)
    (letter,) = letters(service)
    assert letter["place"] == place, letter["message"]


def test_many_are_replayed_and_discarded_by_what_they_have_in_common(service: Service) -> None:
    for number in range(10):
        service.post("cts-video", b"{}" + b" " * number)
        service.post("zego", b"{" + b" " * number)
    settled(service)
    assert ask(service, "GET", "/count").json == {"count": 20}
    assert ask(service, "GET", "/count?source=zego").json == {"count": 10}
    first = ask(service, "POST", "/replay", {"filter": {"source": "cts-video", "reason": "invalid"}, "limit": 6})
    assert first.status == 202
    assert {**first.json, "before": ""} == {"replayed": 6, "refused": [], "left": 4, "before": ""}
    rest = {"filter": {"source": "cts-video", "reason": "invalid"}, "limit": 6, "before": first.json["before"]}
    assert ask(service, "POST", "/replay", rest).json == {"replayed": 4, "refused": [], "left": 0, "before": None}
    settled(service)
    assert sorted(letter["times"] for letter in letters(service, "?source=cts-video")) == [1] * 10
    discarded = ask(service, "POST", "/discard", {"filter": {"source": "zego", "since": "2020-01-01T00:00:00Z"}})
    assert (discarded.status, discarded.json) == (200, {"discarded": 10, "left": 0, "before": None})
    assert {letter["source"] for letter in letters(service)} == {"cts-video"}


@pytest.mark.parametrize("action", ["replay", "discard"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        {"limit": 0},
        {"limit": 501},
        {"limit": "1"},
        {"filter": {"source": "nobody"}},
        {"filter": {"source": 1}},
        {"filter": {"reason": ["invalid"]}},
        {"filter": {"since": "yesterday"}},
        {"filter": {"since": 5}},
        {"filter": {"since": "2026-11-20T09:32:15"}},
        {"filter": {"reasons": "invalid"}},
        {"before": "x"},
        {"filter": {"since": "2026-11-20T09:32:15Z"}, "before": "5.5"},
    ],
)
def test_a_misspelt_filter_touches_no_letter(service: Service, action: str, body: Any) -> None:
    service.post("zego", b"{")
    settled(service)
    answer = ask(service, "POST", f"/{action}", body)
    assert answer.status == 400
    assert answer.json["error"]["message"]
    assert len(letters(service)) == 1


def test_what_was_exported_and_discarded_comes_back_to_the_byte(service: Service) -> None:
    for body in (b"{}", b"", b'{"a": "\xff\xfe"}', '{"中": 1'.encode(), b"\x00" * 100_000):
        service.post("cts-audio", body)
    settled(service)
    exported = letters(service)
    assert len(exported) == 5
    assert ask(service, "POST", "/discard", {}).json["discarded"] == 5
    answer = ask(service, "POST", "", lines(exported[::-1]))
    assert (answer.status, answer.json) == (200, {"imported": 5, "known": 0})
    assert letters(service) == exported
    assert ask(service, "POST", "", lines(exported)).json == {"imported": 0, "known": 5}


def test_an_exported_body_that_somebody_edited_is_what_is_replayed(service: Service) -> None:
    body, mended = broken("cts-audio")
    service.post("cts-audio", body)
    settled(service)
    (letter,) = letters(service)
    ask(service, "DELETE", f"/{letter['id']}")
    edited = {**letter, "raw": mended.decode()}
    assert ask(service, "POST", "", edited).json == {"imported": 1, "known": 0}
    (back,) = letters(service)
    assert base64.b64decode(back["raw_base64"]) == mended
    assert back["received_at"] == letter["received_at"]
    assert back["id"] != letter["id"]
    ask(service, "POST", "/replay", {})
    settled(service)
    (event,) = service.api("events").json["events"]
    assert event["received_at"] == letter["received_at"]


def test_a_letter_may_be_written_by_hand(service: Service) -> None:
    assert ask(service, "POST", "", [{"source": "zego", "raw": "{}"}]).json == {"imported": 1, "known": 0}
    (letter,) = letters(service)
    assert (letter["reason"], letter["message"], letter["times"]) == ("invalid", "It was imported.", 1)


def test_a_time_beyond_the_last_year_does_not_take_the_whole_list_away(service: Service) -> None:
    later = {"source": "zego", "raw": "{}", "received_at": "9999-12-31T23:59:59-12:00"}
    assert ask(service, "POST", "", later).json == {"imported": 1, "known": 0}
    assert [letter["received_at"][:19] for letter in letters(service)] == ["9999-12-31T23:59:59"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "at least one"),
        (b"[]", "at least one"),
        (b'{"source": "zego", "raw": "{}"}\n{"source"', "Line 2"),
        (b'{"source": "zego", "raw": "{}"}\n\n[]', "Line 3"),
        (b'[{"source": "zego", "raw": "{}"}, {"source": "zego"}]', "Object 2: raw"),
        (b'{"source": "nobody", "raw": "{}"}', "Line 1: source"),
        (b'\n\n{"source": "nobody", "raw": "{}"}', "Line 3: source"),
        (b'{"source": "zego", "raw_base64": "?"}', "base64"),
        (b'{"source": "zego", "raw": "x", "reason": "because"}', "reason"),
        (b'{"source": "zego", "raw": "x", "received_at": "then"}', "received_at"),
        (b'{"source": "zego", "raw": "x", "times": 0}', "times"),
        (b'{"source": "zego", "raw": "x", "reason": "undeliverable"}', "subscription"),
        (b'{"source": "zego", "raw": "{}", "reason": "undeliverable", "subscription": "sub_1"}', "subscription"),
        (b'{"source": "zego", "raw": "x", "reason": "undeliverable", "subscription": "sub_%s"}' % (b"a" * 20), "sent"),
        (b'{"source": "zego", "raw": "{}", "reason": "undeliverable", "subscription": "sub_%s"}' % (b"a" * 20), "id"),
        (b'{"source": "zego", "raw": "\\ud800"}', "JSON"),
        (b'{"source": "zego", "raw": "x"}\n' * 501, "500"),
        (b'{"source": "zego", "raw": "' + b"x" * 1_048_577 + b'"}', "1048576 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:30].decode(),
)
def test_an_import_that_is_wrong_anywhere_brings_nothing_back_and_says_where(
    service: Service, body: bytes, word: str
) -> None:
    answer = ask(service, "POST", "", body)
    assert answer.status == 400
    assert word in answer.json["error"]["message"]
    assert letters(service) == []


def test_bodies_are_bounded_and_an_import_may_be_longer_than_other_requests(service: Service) -> None:
    assert ask(service, "POST", "/discard", b" " * 70_000).status == 413
    assert ask(service, "POST", "", b" " * 9_000_000).status == 413
    assert ask(service, "POST", "/zego:x/replay", b" " * 1_100_000).status == 413
    big = [{"source": "zego", "raw": "\x00" * 1_000_000}]
    assert ask(service, "POST", "", big).json == {"imported": 1, "known": 0}


def test_an_undeliverable_letter_is_listed_and_comes_back_and_stays_if_nobody_is_left_to_take_it(
    service: Service,
) -> None:
    subscription = "sub_" + "a" * 20
    letter = {
        "id": f"{subscription}:{webhook_id({'id': 'zego:1/stream/1'})}",
        "source": "zego",
        "reason": "undeliverable",
        "message": "500 for a day",
        "received_at": "2026-01-02T03:04:05.678Z",
        "raw": '{"id": "zego:1/stream/1"}',
        "subscription": subscription,
        "url": "http://team.example/hook",
        "event_id": "zego:1",
        "rendition_id": "zego:1/stream/1",
    }
    assert ask(service, "POST", "", letter).json == {"imported": 1, "known": 0}
    (found,) = letters(service, f"?sort=delivery&subscription={subscription}")
    assert {name: found[name] for name in letter} == letter
    answer = ask(service, "POST", f"/{letter['id']}/replay")
    assert (answer.status, answer.json["error"]["code"]) == (409, "cannot_replay")
    many = ask(service, "POST", "/replay", {}).json
    assert (many["replayed"], many["refused"][0]["id"]) == (0, letter["id"])
    assert ask(service, "POST", f"/{letter['id']}/replay", b"{}").status == 409
    assert letters(service) == [found]


def test_an_undeliverable_letter_from_elsewhere_is_delivered_once_its_subscription_is_named(service: Service) -> None:
    """An export of another installation, or of this one before it was emptied, is as good as a letter of its own."""
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    with Receiver() as receiver:
        asked = json.dumps({"url": receiver.url, "filter": {"kind": "none"}}).encode()
        subscription = service.request("POST", "/api/subscriptions", asked, headers).json["id"]
        letter = {
            "source": "zego",
            "reason": "undeliverable",
            "raw": '{"id": "zego:1/stream/1", "event": {"id": "zego:1"}}',
            "subscription": subscription,
            "event_id": "zego:1",
            "rendition_id": "zego:1/stream/1",
        }
        assert ask(service, "POST", "", letter).json == {"imported": 1, "known": 0}
        assert ask(service, "POST", "/replay", {"filter": {"sort": "delivery"}}).json["replayed"] == 1
        assert letters(service) == []
        until(lambda: receiver.requests)
        assert receiver.requests[0].json == json.loads(letter["raw"])
        assert receiver.requests[0].id == webhook_id({"id": "zego:1/stream/1"})
        service.request("DELETE", f"/api/subscriptions/{subscription}", headers=headers)
