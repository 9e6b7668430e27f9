"""Recording is one step: once, whole or not at all, whoever asks again; and what is forgotten leaves no trace."""

import time
from typing import Any

import pytest
import redis

from schemas.reading import read_callback
from schemas.sources import SOURCES
from tests.chaos.numbered import callback
from tests.running import until
from workers.queues.events import Events, Recordable
from workers.queues.listing import Listing
from workers.queues.pull import PullQueues
from workers.queues.references import reference
from workers.queues.retention import Retention
from workers.queues.script import Script

DAY = 24 * 3600


def recordable(number: int, origin: str = "", v2: bytes = b"{}") -> Recordable:
    source, body = callback(number)
    event = read_callback(source, body, received_at="2026-01-01T00:00:00Z", zego_secret=None, check_signature=False)
    accumulates = SOURCES[source].renditions_accumulate
    return Recordable(event, body, origin or f"{number + 1}-0/0", v2, b"{}", accumulates)


def events(store: redis.Redis, *, dedup: float = 4.0, retention: float = 4.0) -> Events:
    return Events(store, pull_queues=["0", "7"], dedup_days=dedup, retention_days=retention)


def pass_days(store: redis.Redis, days: float) -> None:
    """Queue time goes on by as much."""
    store.hincrby("ti:time", "now", int(days * DAY * 1000))


def counters(store: redis.Redis) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in store.hgetall("ti:counters").items()}


def everything(store: redis.Redis) -> dict[bytes, Any]:
    """What is in the store, decoded: how a server lays out what it keeps is its own affair, and changes by itself."""
    read = {
        b"string": store.get,
        b"list": lambda key: store.lrange(key, 0, -1),
        b"hash": store.hgetall,
        b"zset": lambda key: store.zrange(key, 0, -1, withscores=True),
        b"stream": store.xrange,
    }
    return {key: read[store.type(key)](key) for key in store.scan_iter() if key not in (b"ti:time", b"ti:counters")}


def listed_renditions(store: redis.Redis) -> list[str]:
    return [rendition["event_id"] for rendition in Listing(store).renditions(limit=500).items]


def test_an_event_is_recorded_with_all_that_follows_from_it(store: redis.Redis) -> None:
    (renditions,) = events(store).record([recordable(0)])
    assert [rendition["name"] for rendition in renditions] == ["10", "20"]
    assert store.xlen("ti:events") == 1
    assert len(listed_renditions(store)) == 2
    assert store.llen("ti:pull:0") == store.llen("ti:pull:7") == 1
    assert counters(store) == {"recorded:tencent-vod": 1, "events:transcode.completed": 1}


def test_the_same_origin_again_is_no_duplicate_changes_nothing_and_gets_its_renditions_again(
    store: redis.Redis,
) -> None:
    """So a worker that died between recording and handing on is followed by one that hands on."""
    for number in range(3):
        first = events(store).record([recordable(number)])
        before = everything(store)
        assert events(store).record([recordable(number)]) == first
        assert everything(store) == before
    assert not [name for name in counters(store) if name.startswith("duplicates")]


def test_another_origin_is_a_duplicate_and_gets_nothing(store: redis.Redis) -> None:
    events(store).record([recordable(1)])
    before = everything(store)
    assert events(store).record([recordable(1, "99-0/0")]) == [None]
    changed = {key for key, value in everything(store).items() if before.get(key) != value}
    assert {key.split(b":")[1] for key in changed} == {b"event"}, "only the note that it came again"
    assert counters(store) == {"recorded:zego": 1, "events:transcode.started": 1, "duplicates:zego": 1}


def test_twice_in_one_group_is_once(store: redis.Redis) -> None:
    answers = events(store).record([recordable(2, "5-0/0"), recordable(2, "5-0/1")])
    assert answers[0] is not None
    assert answers[1] is None
    assert store.xlen("ti:events") == 1


def test_one_event_that_cannot_be_written_leaves_the_others_alone(store: redis.Redis) -> None:
    bad = recordable(1)
    store.rpush(f"ti:reference:{reference(str(bad.event['media_id']))}", "in the way")
    answers = events(store).record([recordable(0), bad, recordable(2)])
    assert isinstance(answers[1], redis.ResponseError)
    assert [type(answer) for answer in (answers[0], answers[2])] == [list, list]


def test_one_whose_recording_broke_off_is_recorded_when_asked_again(store: redis.Redis) -> None:
    """A script that ends with an error is not undone: what it wrote first must not count as all of it."""
    broken = recordable(1)
    in_the_way = f"ti:reference:{reference(str(broken.event['media_id']))}"
    store.rpush(in_the_way, "in the way")
    events(store).record([broken])
    store.delete(in_the_way)
    (renditions,) = events(store).record([broken])
    assert len(renditions) == 1
    assert events(store).find(broken.event["id"]) is not None
    assert store.llen("ti:pull:0") == 1
    assert counters(store) == {"recorded:zego": 1, "events:transcode.started": 1}


def test_what_a_broken_recording_left_behind_is_not_listed_and_takes_nothing_along_when_it_goes(
    store: redis.Redis,
) -> None:
    broken = recordable(1)
    in_the_way = f"ti:reference:{reference(str(broken.event['media_id']))}"
    store.rpush(in_the_way, "in the way")
    assert isinstance(events(store).record([broken])[0], redis.ResponseError)
    store.delete(in_the_way)
    pass_days(store, 3)
    events(store).record([broken])
    assert store.xlen("ti:events") == 2
    lists = Listing(store)
    for filters in ({}, {"source": "zego"}, {"name": "out"}):
        assert len(lists.events(limit=9, **filters).items) == len(lists.renditions(limit=9, **filters).items) == 1
    pass_days(store, 2)
    assert forget(store) == 0
    assert store.xlen("ti:events") == store.llen("ti:pull:0") == 1
    assert len(lists.events(limit=9).items) == 1


def test_a_script_that_the_store_has_forgotten_is_loaded_again(store: redis.Redis) -> None:
    events(store).record([recordable(0)])
    store.script_flush()
    answers = events(store).record([recordable(1), recordable(2)])
    assert all(isinstance(answer, list) for answer in answers)
    assert store.xlen("ti:events") == 3


def test_after_the_deduplication_window_it_is_a_new_event_and_waits_once(store: redis.Redis) -> None:
    short = events(store, dedup=0.05 / DAY)
    short.record([recordable(0)])
    time.sleep(0.1)
    assert short.record([recordable(0, "99-0/0")]) != [None]
    assert store.llen("ti:pull:0") == 1


def test_an_event_tells_who_held_it_and_how_often_a_hold_ran_out_before_and_after_it_is_confirmed(
    store: redis.Redis,
) -> None:
    kept = events(store)
    kept.record([recordable(1)])
    queues = PullQueues(store, key=b"k" * 32, queues=2)

    def story(queue: str) -> list[tuple[str, str | int | None]]:
        found = kept.find(recordable(1).event["id"])
        assert found is not None
        steps = [step for step in found["history"] if step.get("queue") == queue]
        return [(step["what"], step.get("by", step.get("count"))) for step in steps]

    queues.pull("0", "v3", by="somebody else: with | odd letters")
    assert story("0") == [("pulled", "somebody else: with | odd letters")]
    pass_days(store, 31 / DAY)
    ((again,), _) = queues.pull("0", "v3", by="AKIDmine")
    assert story("0") == [("expired", 1), ("pulled", "AKIDmine")]
    ((other,), _) = queues.pull("7", "v3")
    whole = [("expired", 1), ("pulled", "AKIDmine"), ("confirmed", None)]
    assert queues.confirm("0", [again.handle.decode()]) == [True]
    assert story("0") == whole
    assert queues.drop_finished() == 0, "the other queue has not confirmed"
    assert queues.confirm("7", [other.handle.decode()]) == [True]
    assert queues.drop_finished() == 1
    assert not [key for key in store.scan_iter("ti:pull:*") if not key.endswith(b":calls")]
    assert not list(store.scan_iter("ti:content:*"))
    assert story("0") == whole
    assert story("7") == [("pulled", None), ("confirmed", None)]
    assert queues.confirm("0", [again.handle.decode()]) == [True], "confirming again is good, however late"
    assert queues.confirm("7", [again.handle.decode()]) == [False]


# Retention.


def test_what_goes_is_counted_and_said(store: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    events(store).record([recordable(number) for number in range(10)])
    queues = PullQueues(store, key=b"k" * 32, queues=2)
    for queue in ("0", "7"):
        pulled, _ = queues.pull(queue, "v3", 4)
        queues.confirm(queue, [event.handle.decode() for event in pulled[: 3 if queue == "0" else 4]])
    queues.drop_finished()
    now = 0.0
    retention = Retention(store, days=4, clock=lambda: now)
    with caplog.at_level("INFO"):
        retention.run()
        pass_days(store, 4)
        assert retention.run() == 10
        assert len(caplog.records) == 1
        assert "10 events were older" in caplog.text
        assert "7 of them a pull queue had not confirmed" in caplog.text
        events(store).record([recordable(number) for number in range(20, 25)])
        pass_days(store, 4)
        assert retention.run() == 5
        assert len(caplog.records) == 1, "once a minute is enough"
        now = 61.0
        assert retention.run() == 0
        assert "5 events were older" in caplog.records[1].getMessage()
        now = 200.0
        retention.run()
    assert len(caplog.records) == 2, "nothing to say is not said"
    assert counters(store)["expired"] == 15
    assert counters(store)["expired:unconfirmed"] == 12


def test_memory_goes_down_by_what_is_forgotten(store: redis.Redis) -> None:
    brief = events(store, dedup=1 / DAY, retention=1 / DAY)
    for start in (0, 2000):
        # Twice, so that what the store grows for good (tables, buffers) is there already.
        before = store.info("memory")["used_memory"]
        for number in range(start, start + 2000, 200):
            brief.record([recordable(number) for number in range(number, number + 200)])
        full = store.info("memory")["used_memory"]
        pass_days(store, 1)
        time.sleep(1.1)
        assert forget(store, days=0.5) == 2000
        until(lambda: store.dbsize() < 10)
    after = store.info("memory")["used_memory"]
    assert full - before > 2_000_000
    assert after - before < 0.05 * (full - before)


def forget(store: redis.Redis, days: float = 4.0) -> int:
    return Retention(store, days=days).run()


def test_what_is_forgotten_leaves_no_trace(store: redis.Redis) -> None:
    moment = 0.05 / DAY
    brief = events(store, dedup=moment, retention=moment)
    brief.record([recordable(number) for number in range(9)])
    queues = PullQueues(store, key=b"k" * 32, queues=1)
    pulled, _ = queues.pull("0", "v3", 4)
    queues.confirm("0", [event.handle.decode() for event in pulled[:2]])
    queues.drop_finished()
    pass_days(store, 4)
    time.sleep(0.1)  # marks and tasks go by themselves
    assert forget(store) == 9
    for number in range(9):
        for key in store.scan_iter():
            assert f"n{number}".encode() not in key
            kind = store.type(key)
            if kind == b"stream":
                assert store.xlen(key) == 0, key
            elif kind == b"zset":
                assert store.zcard(key) == 0, key
    assert set(store.scan_iter()) <= {*(b"ti:time", b"ti:counters", b"ti:events", b"ti:shapes:last")}


def test_what_is_young_is_kept_whole(store: redis.Redis) -> None:
    events(store).record([recordable(0), recordable(1)])
    pass_days(store, 3)
    events(store).record([recordable(2), recordable(3)])
    before = {key: value for key, value in everything(store).items() if b":n2" in key or b":n3" in key}
    pass_days(store, 1.5)
    assert forget(store) == 2
    assert everything(store).items() >= before.items()
    assert store.xlen("ti:events") == 2
    assert len(listed_renditions(store)) == 4
    assert store.llen("ti:pull:0") == store.llen("ti:pull:7") == 2
    assert forget(store) == 0


def test_an_old_event_that_came_again_takes_no_renditions_of_younger_ones_along(store: redis.Redis) -> None:
    """With DEDUP_DAYS below RETENTION_DAYS. Its second coming is younger than what came between."""
    brief = events(store, dedup=0.05 / DAY)
    brief.record([recordable(0)])
    pass_days(store, 3)
    brief.record([recordable(number) for number in (1, 2)])
    time.sleep(0.1)
    brief.record([recordable(0, "99-0/0")])
    pass_days(store, 1.5)
    forget(store)
    assert {recordable(number).event["id"] for number in (1, 2)} <= set(listed_renditions(store))
    assert store.xlen("ti:events") == 3
    assert store.exists(f"ti:event:{recordable(0).event['id']}")


def test_a_long_backlog_is_forgotten_in_small_steps(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    run = Script.run

    def counted(self: Script, client: redis.Redis, *arguments: int) -> list[int]:
        answer: list[int] = run(self, client, *arguments)
        steps.append(answer[0])
        return answer

    events(store).record([recordable(number) for number in range(120)])
    pass_days(store, 4)
    monkeypatch.setattr(Script, "run", counted)
    assert forget(store) == 120
    assert steps == [50, 50, 20]


def test_a_full_store_can_still_be_emptied(store: redis.Redis) -> None:
    """Out of memory, nothing can be recorded; but what is there can be pulled, confirmed and forgotten, or it would stay so."""
    events(store).record([recordable(number) for number in range(4)])
    queues = PullQueues(store, key=b"k" * 32, queues=1)
    store.config_set("maxmemory", "1")
    try:
        (refused,) = events(store).record([recordable(5)])
        assert isinstance(refused, redis.OutOfMemoryError)
        pulled, _ = queues.pull("0", "v3")
        assert len(pulled) == 4
        assert queues.confirm("0", [event.handle.decode() for event in pulled]) == [True] * 4
        assert store.llen("ti:pull:0") == store.zcard("ti:pull:0:held") == 0
        assert forget(store, days=0) == 4
    finally:
        store.config_set("maxmemory", "0")
    assert store.xlen("ti:events") == 0
    assert isinstance(events(store).record([recordable(5)])[0], list)


def test_one_handle_twice_in_a_call_leaves_the_other_queue_its_event(store: redis.Redis) -> None:
    events(store).record([recordable(2)])
    queues = PullQueues(store, key=b"k" * 32, queues=2)
    (mine,), _ = queues.pull("0", "v3")
    assert queues.confirm("0", [mine.handle.decode()] * 2) == [True, True]
    queues.drop_finished()
    assert len(queues.pull("7", "v3")[0]) == 1
