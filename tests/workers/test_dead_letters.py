"""Dead letters are found by what is asked for, moved whole or not at all, and forgotten only with a word."""

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import redis

from schemas.times import iso_time
from tests.running import a_store
from tests.workers.test_events import pass_days
from workers.queues.dead_letter_retention import DeadLetterRetention
from workers.queues.dead_letters import GROUP, DeadLetter, DeadLetters
from workers.queues.inbox import Inbox
from workers.queues.listing import BadCursor

SOURCES = ("cts-video", "zego")
REASONS = ("invalid", "malformed_json", "signature")


def letter(number: int, **different: Any) -> DeadLetter:
    given = {
        "source": SOURCES[number % 2],
        "body": f"body {number}".encode(),
        "reason": REASONS[number % 3],
        "message": "it is broken",
        "received": 1_000_000 + number // 4 * 1000,
        "origin": f"{number + 1}-0/0",
    }
    return DeadLetter(**{**given, **different})


def delivery(number: int, subscription: str = "sub_" + "a" * 20, **different: Any) -> dict[str, Any]:
    given = {
        "id": f"{subscription}:msg_{number:032x}",
        "source": SOURCES[number % 2],
        "reason": "undeliverable",
        "message": "500 for a day",
        "place": None,
        "received": 1_000_000 + number * 1000,
        "failed": 2_000_000,
        "body": b"{}",
        "times": 3,
        "subscription": subscription,
        "url": "http://team.example/hook",
        "event": "zego:1",
        "rendition": "zego:1/video/f10",
    }
    return {**given, **different}


def inboxed(store: redis.Redis) -> list[Any]:
    entries = [entry.decode() for entry, _ in store.xrange("ti:inbox")]
    return [callback for entry in (Inbox(store).take(entries) if entries else []) for callback in entry.callbacks]


def pages(letters: DeadLetters, limit: int, **wanted: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = letters.list(limit=limit, cursor=cursor, **wanted)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        cursor = page.next


def mixed(store: redis.Redis) -> DeadLetters:
    letters = DeadLetters(store)
    assert letters.add([letter(number) for number in range(24)]) == [None] * 24
    assert letters.bring_back([delivery(n, "sub_" + name * 20) for n, name in enumerate("abcab")]) == 5
    return letters


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"source": "zego"},
        {"reason": "invalid"},
        {"source": "zego", "reason": "signature"},
        {"sort": "callback"},
        {"sort": "delivery"},
        {"sort": "delivery", "source": "cts-video"},
        {"subscription": "sub_" + "a" * 20},
        {"subscription": "sub_" + "a" * 20, "source": "zego"},
        {"subscription": "sub_" + "a" * 20, "sort": "callback"},
        {"subscription": "sub_" + "a" * 20, "reason": "invalid"},
        {"source": "nobody"},
        {"since": 1_003_000},
        {"until": 1_003_000},
        {"since": 1_001_000, "until": 1_004_000, "source": "zego"},
        {"since": 1_001_000, "subscription": "sub_" + "b" * 20},
    ],
    ids=str,
)
def test_every_filter_finds_what_matches_each_once_whatever_the_page(store: redis.Redis, wanted: Any) -> None:
    letters = mixed(store)
    everything = letters.list(limit=100).items
    assert len(everything) == 29

    def matches(found: dict[str, Any]) -> bool:
        since, until = (iso_time(wanted.get(name, other)) for name, other in (("since", 0), ("until", 10**13)))
        plain = {name: value for name, value in wanted.items() if name not in ("since", "until")}
        return all(found[name] == value for name, value in plain.items()) and since <= found["received_at"] <= until

    expected = [found["id"] for found in everything if matches(found)]
    for limit in (1, 4, 100):
        found = pages(letters, limit, **wanted)
        assert sorted(one["id"] for one in found) == sorted(expected)
        if "since" in wanted or "until" in wanted:
            times = [one["received_at"] for one in found]
            assert times == sorted(times, reverse=True)
        else:
            assert [one["id"] for one in found] == expected
    assert letters.count(**wanted) == len(expected)


def test_a_rare_letter_is_found_without_looking_at_the_many_others(directory: Path) -> None:
    # A store of its own, though somebody may still look for another that had its port.
    with a_store(directory) as server:
        store = redis.Redis(port=server.port)
        letters = DeadLetters(store)
        letters.add([letter(0, source="zego", reason="signature")])
        letters.add([letter(number, source="cts-video", reason="invalid") for number in range(1, 2000)])
        store.config_resetstat()
        assert len(letters.list(limit=50, source="zego").items) == 1
        assert len(letters.list(limit=50, source="zego", since=1).items) == 1
        calls = {name: stats["calls"] for name, stats in store.info("commandstats").items()}
    assert calls["cmdstat_hgetall"] < 20
    assert sum(calls.values()) < 200


def test_a_cursor_stays_good_while_letters_come_and_go(store: redis.Redis) -> None:
    letters = mixed(store)
    expected = [one["id"] for one in letters.list(limit=100).items]
    first = letters.list(limit=10)
    letters.add([letter(100)])
    for gone in expected[8:12]:
        letters.discard(gone)
    rest = letters.list(limit=100, cursor=first.next)
    assert [one["id"] for one in rest.items] == expected[12:]


@pytest.mark.parametrize("cursor", ["x", "-1", "1-2", "1.x", "٣", ""])
def test_a_wrong_cursor_is_none(store: redis.Redis, cursor: str) -> None:
    letters = mixed(store)
    if cursor:
        with pytest.raises(BadCursor):
            letters.list(limit=1, cursor=cursor)
    with pytest.raises(BadCursor):
        letters.replay_some(limit=1, before=cursor)


def test_the_same_bytes_again_are_counted_and_found_by_their_new_reason_only(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    first = letter(0, reason="signature", place={"line": 1, "column": 2})
    letters.add([first, letter(0, reason="invalid", origin="7-0/0", received=5)])
    letters.add([letter(0, reason="invalid", origin="7-0/0")])
    (found,) = letters.list(limit=10).items
    assert (found["times"], found["reason"], found["place"]) == (2, "invalid", None)
    assert found["received_at"] == iso_time(first.received)
    assert letters.list(limit=10, reason="signature").items == []
    assert [one["id"] for one in letters.list(limit=10, reason="invalid", since=1).items] == [first.id]
    assert letters.discard(first.id)
    assert keys_of_letters(store) == {b"ti:dead:last"}


def keys_of_letters(store: redis.Redis) -> set[bytes]:
    return set(store.scan_iter("ti:dead*"))


def test_an_empty_body_is_a_letter_like_any_other(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    empty = letter(0, body=b"")
    letters.add([empty])
    assert (letters.find(empty.id) or {})["raw"] == ""
    assert letters.replay(empty.id)
    assert [callback.body for callback in inboxed(store)] == [b""]


def test_what_is_no_letter_is_not_found(store: redis.Redis) -> None:
    letters = mixed(store)
    for name in ("last", "x", "zego:x", ""):
        assert letters.find(name) is None
        assert letters.replay(name) is None
        assert letters.discard(name) is False


def test_a_replay_keeps_the_time_of_receipt_and_takes_a_mended_body(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    broken, forged = letter(0, received=123_456), letter(1, received=654_321)
    letters.add([broken, forged])
    assert letters.replay(broken.id, body=b"mended")
    assert letters.replay(forged.id, force=True)
    mended, forced = inboxed(store)
    assert (mended.source, mended.body, mended.received, mended.check_signature) == (
        "cts-video",
        b"mended",
        123_456,
        True,
    )
    assert (forced.source, forced.body, forced.received, forced.check_signature) == (
        "zego",
        forged.body,
        654_321,
        False,
    )
    assert keys_of_letters(store) == {b"ti:dead:last"}


def test_replaying_many_moves_each_once_in_few_entries_oldest_first(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    letters.add([letter(number) for number in range(200)])
    before, done, lefts = None, 0, []
    while True:
        batch = letters.replay_some(limit=80, before=before, source="zego")
        done += batch.done
        lefts.append(batch.left)
        if batch.before is None:
            break
        before = batch.before
    assert (done, lefts) == (100, [20, 0])
    assert store.xlen("ti:inbox") == 3, f"at most {GROUP} letters an entry"
    assert [callback.body for callback in inboxed(store)] == [f"body {n}".encode() for n in range(1, 200, 2)]
    assert {one["source"] for one in letters.list(limit=500).items} == {"cts-video"}
    assert letters.count() == 100


@pytest.mark.parametrize("wanted", [{}, {"since": 1}])
def test_letters_that_come_back_at_once_are_not_replayed_for_ever(store: redis.Redis, wanted: Any) -> None:
    letters = DeadLetters(store)
    letters.add([letter(number) for number in range(30)])
    before, done, batches = None, 0, 0
    while batches < 50:
        batch = letters.replay_some(limit=7, before=before, **wanted)
        done, batches = done + batch.done, batches + 1
        back = inboxed(store)
        store.delete("ti:inbox")
        letters.add(
            [
                DeadLetter(c.source, c.body, "invalid", "still", c.received, f"again {batches}/{n}")
                for n, c in enumerate(back)
            ]
        )
        before = batch.before
        if before is None:
            break
    assert done == 30
    assert letters.count() == 30


def test_big_letters_do_not_make_one_huge_entry_or_page(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    letters.add([letter(n, body=bytes([n]) * 1_000_000) for n in range(12)])
    assert sum(one["size"] for one in letters.list(limit=12).items) <= 4 * 1024 * 1024
    assert len(pages(letters, 12)) == 12
    assert letters.replay_some(limit=12).done == 12
    assert store.xlen("ti:inbox") == 6


def test_discarding_many_leaves_nothing_of_them_and_all_of_the_others(store: redis.Redis) -> None:
    letters = mixed(store)
    batch = letters.discard_some(limit=3, sort="callback", source="zego")
    assert (batch.done, batch.left) == (3, 9)
    assert letters.discard_some(limit=500, before=batch.before, sort="callback", source="zego").done == 9
    assert letters.count() == 17
    assert letters.count(source="zego", sort="callback") == 0
    assert letters.discard_some(limit=500).done == 17
    assert keys_of_letters(store) == {b"ti:dead:last"}


def test_a_delivery_is_never_put_into_the_inbox_and_stays_if_it_cannot_be_put_back(store: redis.Redis) -> None:
    asked = []

    def put_back(letter_id: str) -> str | None:
        asked.append(letter_id)
        return "its subscription is gone" if letter_id.endswith("1") else None

    letters = DeadLetters(store, put_back=put_back)
    letters.bring_back([delivery(1), delivery(2)])
    letters.add([letter(0)])
    batch = letters.replay_some(limit=10)
    assert (batch.done, batch.refused) == (2, {delivery(1)["id"]: "its subscription is gone"})
    assert asked == [delivery(1)["id"], delivery(2)["id"]]
    assert len(inboxed(store)) == 1


def test_what_was_exported_comes_back_as_it_was_and_once(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    exported = delivery(1, times=7, received=123_000, failed=456_000)
    assert [letters.bring_back([exported]), letters.bring_back([exported])] == [1, 0]
    (found,) = letters.list(limit=10).items
    assert (found["id"], found["times"], found["sort"]) == (exported["id"], 7, "delivery")
    assert (found["received_at"], found["failed_at"]) == (iso_time(123_000), iso_time(456_000))
    assert (found["event_id"], found["rendition_id"]) == ("zego:1", "zego:1/video/f10")


def test_letters_nobody_decides_about_are_forgotten_after_their_days_counted_and_said(
    store: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    letters, retention = DeadLetters(store), DeadLetterRetention(store, days=30, clock=lambda: now[0])
    letters.add([letter(number) for number in range(120)])
    pass_days(store, 20)
    letters.add([letter(number) for number in range(120, 123)])
    assert retention.run() == 0
    pass_days(store, 10.1)
    with caplog.at_level(logging.WARNING):
        assert retention.run() == 120
    assert "120 dead letters were kept 30 days and are forgotten: invalid/cts-video 20" in caplog.text
    assert store.hget("ti:counters", "expired:dead_letters") == b"120"
    assert letters.count() == letters.count(since=1) == 3
    pass_days(store, 30)
    assert retention.run() == 3
    assert keys_of_letters(store) == {b"ti:dead:last"}
    assert "3 dead letters" not in caplog.text, "a line a minute is enough"
    now[0] = 61.0
    retention.run()
    assert "3 dead letters were kept" in caplog.text


def test_letters_of_a_version_without_filters_are_found_by_them_and_grow_old(store: redis.Redis) -> None:
    for number in range(120):
        store.zadd("ti:dead", {f"zego:{number}": number + 1})
        fields = {"source": "zego", "reason": "invalid", "message": "", "received": 5, "failed": 5, "body": "{}"}
        store.hset(f"ti:dead:zego:{number}", mapping={**fields, "origin": f"{number}-0/0", "times": 1})
    letters, retention = DeadLetters(store), DeadLetterRetention(store, days=30)
    assert letters.count(source="zego") == 0
    assert retention.run() == 0
    assert letters.count(source="zego") == letters.count(since=1) == 120
    pass_days(store, 31)
    assert retention.run() == 120
    assert keys_of_letters(store) == set()


def test_however_many_replay_and_discard_at_once_each_letter_is_dealt_with_once(store: redis.Redis) -> None:
    letters = DeadLetters(store)
    letters.add([letter(number) for number in range(600)])
    counts = {"replayed": 0, "discarded": 0}
    lock = threading.Lock()

    def work(what: str) -> None:
        act = letters.replay_some if what == "replayed" else letters.discard_some
        before = None
        while True:
            batch = act(limit=7, before=before)
            with lock:
                counts[what] += batch.done
            before = batch.before
            if before is None:
                return

    threads = [threading.Thread(target=work, args=(what,)) for what in ("replayed", "discarded", "replayed")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bodies = [callback.body for callback in inboxed(store)]
    assert len(bodies) == len(set(bodies)) == counts["replayed"]
    assert counts["replayed"] + counts["discarded"] == 600
    assert keys_of_letters(store) == {b"ti:dead:last"}


def test_an_import_counts_as_nothing_that_came(store: redis.Redis) -> None:
    DeadLetters(store).bring_back([delivery(1)])
    assert store.hgetall("ti:counters") == {}
    DeadLetters(store).add([letter(0)])
    assert store.hgetall("ti:counters") == {b"dead_letters:cts-video": b"1", b"dead_letter_reasons:invalid": b"1"}
