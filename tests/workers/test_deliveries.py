"""Deliveries wait, go out, come back and end in the store: whatever a worker does, and whenever it dies."""

import json

import pytest
import redis

from schemas.matching import deliveries as matched
from schemas.reading import read_callback
from schemas.samples import sample
from tests.workers.delivering import (
    counters,
    delivered,
    failed,
    leftovers,
    pass_seconds,
    record,
    subscribe,
)
from workers.queues.deliveries import LEASE_MS, MOST_OUT, Deliveries, Settlement
from workers.queues.events import Events, Recordable
from workers.queues.subscriptions import Subscriptions


def test_what_matches_is_recorded_with_the_event_claimed_once_and_forgotten_when_delivered(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=720)
    subscribe(subscriptions, source="zego")
    event = record(events, subscriptions)
    claimed = deliveries.claim(100)
    assert [delivery.rendition for delivery in claimed] == [f"{event['id']}/video/f{n}" for n in (30, 40)]
    assert [delivery.attempt for delivery in claimed] == [1, 1]
    assert deliveries.claim(100) == []
    assert subscriptions.health(one["id"])["out"] == 2
    deliveries.settle([delivered(delivery) for delivery in claimed])
    health = subscriptions.health(one["id"])
    assert (health["pending"], health["out"], health["delivered"], health["oldest_seconds"]) == (0, 0, 2, None)
    assert len(health["last_attempts"]) == 2
    assert counters(store) == {"succeeded": 2}
    assert leftovers(store) == []


def test_of_an_event_with_very_many_renditions_each_is_delivered_to_everybody(
    store: redis.Redis, events: Events, subscriptions: Subscriptions
) -> None:
    """More than one command can take."""
    subscribed = [subscribe(subscriptions), subscribe(subscriptions, kind="none"), subscribe(subscriptions)]
    body = json.dumps({**json.loads(sample("cts-snapshot")), "result": ["a"] * 1201}).encode()
    event = read_callback("cts-snapshot", body, received_at="2026-01-01T00:00:00.000Z")
    events.record([Recordable(event, body, "1-0/0", b"{}", b"{}", False, matched(subscriptions.list(), event))])
    assert [health["pending"] for health in subscriptions.healths([one["id"] for one in subscribed])] == [1201, 0, 1201]


def test_a_duplicate_callback_is_not_delivered_again(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=720)
    body = sample("cts-video")
    event = read_callback("cts-video", body, received_at="2026-01-01T00:00:00.000Z")
    found = matched(subscriptions.list(), event)
    for origin in ("1-0/0", "1-0/0", "2-0/0"):
        events.record([Recordable(event, body, origin, b"{}", b"{}", False, found)])
    assert len(deliveries.claim(100)) == 2


def test_of_renditions_that_accumulate_each_is_delivered_once(
    events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    """VOD tells of a task again and again, each time with all that is there so far."""
    subscribe(subscriptions)
    payload = json.loads(sample("tencent-vod"))
    play_set = payload["data"]["playSet"]
    sent = []
    for number in (2, 3, 6):
        payload["data"]["playSet"] = play_set[:number]
        body = json.dumps(payload).encode()
        event = read_callback("tencent-vod", body, received_at="2026-01-01T00:00:00.000Z")
        found = matched(subscriptions.list(), event)
        events.record([Recordable(event, body, f"{number}-0/0", b"{}", b"{}", True, found)])
        claimed = deliveries.claim(100)
        sent += [json.loads(delivery.body)["name"] for delivery in claimed]
        deliveries.settle([delivered(delivery) for delivery in claimed])
    assert sorted(sent) == sorted(str(one["definition"]) for one in play_set)


def test_a_delivery_that_was_lost_with_its_worker_goes_out_again_under_the_same_id(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    (lost,) = deliveries.claim(100)
    pass_seconds(store, LEASE_MS / 1000 - 1)
    assert deliveries.claim(100) == []
    pass_seconds(store, 2)
    (again,) = deliveries.claim(100)
    assert (again.webhook_id, again.body, again.attempt) == (lost.webhook_id, lost.body, 2)
    # Its first worker was only slow, and now says that it failed: that is not its business any more.
    deliveries.settle([failed(lost)])
    assert deliveries.claim(100) == []
    assert counters(store) == {}
    # But if it says that it arrived, then it has.
    deliveries.settle([delivered(lost)])
    deliveries.settle([failed(again)])
    pass_seconds(store, 3600)
    assert deliveries.claim(100) == []
    assert counters(store) == {"succeeded": 1}
    assert leftovers(store) == []


def test_one_that_is_lost_with_every_worker_that_takes_it_up_waits_longer(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    for _ in range(4):
        assert len(deliveries.claim(100)) == 1
        pass_seconds(store, LEASE_MS / 1000 + 1)
    assert deliveries.claim(100) == []
    pass_seconds(store, 61)
    assert len(deliveries.claim(100)) == 1


def test_settling_twice_counts_once(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=720)
    event = record(events, subscriptions)
    first, second = deliveries.claim(100)
    for _ in range(3):
        deliveries.settle([delivered(first), failed(second)])
    assert counters(store) == {"succeeded": 1, "failed": 1}
    assert len(subscriptions.health(one["id"])["last_attempts"]) == 2
    found = events.find(event["id"])
    assert found is not None
    assert [step["what"] for step in found["history"] if "push" in step["what"]] == ["pushed", "push failed"]


def test_a_failed_one_is_due_again_when_its_pause_is_over_and_not_before(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    (first,) = deliveries.claim(100)
    deliveries.settle([failed(first, 20)])
    pass_seconds(store, 19)
    assert deliveries.claim(100) == []
    pass_seconds(store, 2)
    (second,) = deliveries.claim(100)
    assert second.attempt == 2
    assert second.webhook_id == first.webhook_id


def test_what_comes_in_is_sent_at_once_however_long_others_have_to_wait(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    (first,) = deliveries.claim(100)
    deliveries.settle([failed(first, 3600)])
    record(events, subscriptions, "2-0/0")
    (second,) = deliveries.claim(100)
    assert second.webhook_id != first.webhook_id


def test_a_destination_that_has_all_it_may_have_is_not_looked_at_again_and_again(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions)
    record(events, subscriptions)
    record(events, subscriptions, "2-0/0")
    assert len(deliveries.claim(100)) == MOST_OUT
    assert (store.zscore("ti:deliveries:next", one["id"]) or 0) > int(store.hget("ti:time", "now") or 0)


def test_one_given_back_was_never_tried(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    for _ in range(10):
        (delivery,) = deliveries.claim(100)
        assert delivery.attempt == 1
        deliveries.settle([Settlement(delivery, "back")])
    assert counters(store) == {}


def test_a_destination_gets_no_more_at_once_than_it_may_from_all_processes_together(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one, other = subscribe(subscriptions), subscribe(subscriptions, kind="gif")
    for number in range(4):
        record(events, subscriptions, f"{number + 1}-0/0")
    claimed = deliveries.claim(1000)
    assert len(claimed) == MOST_OUT + 4 * 2
    assert sum(delivery.subscription["id"] == other["id"] for delivery in claimed) == 8
    assert Deliveries(store, events).claim(1000) == []
    deliveries.settle([delivered(next(each for each in claimed if each.subscription["id"] == one["id"]))])
    assert len(Deliveries(store, events).claim(1000)) == 1


def test_a_worker_with_little_room_takes_little(
    events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions)
    record(events, subscriptions)
    assert len(deliveries.claim(3)) == 3
    assert len(deliveries.claim(100)) == 5


def test_nothing_is_written_for_a_subscription_that_went_away_meanwhile(
    store: redis.Redis, events: Events, subscriptions: Subscriptions
) -> None:
    one = subscribe(subscriptions)
    body = sample("cts-video")
    event = read_callback("cts-video", body, received_at="2026-01-01T00:00:00.000Z")
    found = matched(subscriptions.list(), event)
    subscriptions.remove(one["id"])
    events.record([Recordable(event, body, "1-0/0", b"{}", b"{}", False, found)])
    assert not list(store.scan_iter("ti:deliveries:*"))


def test_a_removed_subscription_gets_nothing_more_and_late_settlements_leave_nothing(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions)
    record(events, subscriptions)
    claimed = deliveries.claim(100)
    assert subscriptions.remove(one["id"]) == 8
    deliveries.settle([delivered(claimed[0]), failed(claimed[1])])
    assert not list(store.scan_iter("ti:deliveries:*"))
    assert deliveries.claim(100) == []


def test_a_full_store_can_still_be_delivered_from(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=720)
    record(events, subscriptions)
    store.config_set("maxmemory", "1")
    try:
        claimed = deliveries.claim(100)
        assert len(claimed) == 2
        deliveries.settle([delivered(delivery) for delivery in claimed])
    finally:
        store.config_set("maxmemory", "0")
    assert leftovers(store) == []


def test_a_claim_costs_the_same_however_many_wait(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    """Ten thousand for a destination whose circuit is open are in nobody's way."""
    one, other = subscribe(subscriptions), subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    key = f"ti:deliveries:{one['id']}"
    for start in range(0, 10_000, 1000):
        waiting = {f"1-0.zego:x/{number}": 1 for number in range(start, start + 1000)}
        store.zadd(f"{key}:due", waiting)
        store.zadd(f"{key}:since", waiting)
    now = int(store.hget("ti:time", "now") or 0)
    store.hset(key, mapping={"failures": 9, "opened": 1, "wait": 10_000, "until": now + 100_000})
    (claimed,) = deliveries.claim(100)
    assert claimed.subscription["id"] == other["id"]
    before = store.info("commandstats")["cmdstat_zrangebyscore"]["calls"]
    assert deliveries.claim(100) == []
    assert store.info("commandstats")["cmdstat_zrangebyscore"]["calls"] - before <= 2


def test_a_settlement_that_the_store_refuses_leaves_the_others_alone(
    store: redis.Redis,
    events: Events,
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Were it raised, it would be settled again and again, and nothing else would ever be."""
    bad, good = subscribe(subscriptions, min_height=1080), subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    claimed = deliveries.claim(100)
    store.set(f"ti:deliveries:{bad['id']}:recent", "no list")
    deliveries.settle([delivered(delivery) for delivery in claimed])
    assert subscriptions.healths([good["id"]])[0]["delivered"] == 1
    assert "cannot be settled" in caplog.text


def test_an_event_that_cannot_be_read_leaves_the_deliveries_of_others_alone(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=1080)
    broken = record(events, subscriptions, "1-0/0")
    whole = record(events, subscriptions, "2-0/0")
    line, _, _ = store.get(f"ti:event:{broken['id']}").partition(b"\n")
    store.set(f"ti:event:{broken['id']}", line + b"\nnonsense")
    (claimed,) = deliveries.claim(100)
    assert claimed.rendition == f"{whole['id']}/video/f40"
