"""Deliveries wait, go out, come back and end in the store: whatever a worker does, and whenever it dies."""

import json
from typing import Any

import pytest
import redis

from schemas.api.dead_letter_import import DeadLetterImport
from schemas.matching import deliveries as matched
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.subscription import Subscription, SubscriptionSchema
from schemas.webhook import webhook_id
from workers.queues import deliveries as module
from workers.queues.dead_letters import CannotReplay, DeadLetters
from workers.queues.deliveries import FAILURES, LEASE_MS, MOST_OUT, Deliveries, Delivery, Settlement, attempt_of
from workers.queues.events import Events, Recordable
from workers.queues.retention import Retention
from workers.queues.subscriptions import Subscriptions

HOUR = 3600


@pytest.fixture
def events(store: redis.Redis) -> Events:
    return Events(store, pull_queues=["0"], dedup_days=4, retention_days=4)


@pytest.fixture
def deliveries(store: redis.Redis, events: Events) -> Deliveries:
    return Deliveries(store, events)


@pytest.fixture
def subscriptions(store: redis.Redis) -> Subscriptions:
    return Subscriptions(store)


def subscribe(subscriptions: Subscriptions, each: str = "rendition", **asked: Any) -> Subscription:
    return subscriptions.add(
        SubscriptionSchema().load({"url": "http://host/hook?key=hush", "each": each, "filter": asked})
    )


def record(events: Events, subscriptions: Subscriptions, origin: str = "1-0/0", source: str = "cts-video") -> Any:
    """One more event, with all that follows from it."""
    body = sample(source)
    event = read_callback(source, body, received_at="2026-01-01T00:00:00.000Z", check_signature=False)
    recordable = Recordable(event, body, origin, b"{}", b"{}", False, matched(subscriptions.list(), event))
    (answer,) = events.record([recordable])
    assert isinstance(answer, list)
    return event


def pass_seconds(store: redis.Redis, seconds: float) -> None:
    """Queue time goes on by as much."""
    store.hincrby("ti:time", "now", int(seconds * 1000))


def tried(delivery: Delivery, error: str | None = None, status: int | None = 200) -> dict[str, Any]:
    return attempt_of(delivery, at="2026-01-01T00:00:01.000Z", status=status, seconds=0.01, answer="so", error=error)


def delivered(delivery: Delivery) -> Settlement:
    return Settlement(delivery, "delivered", attempt=tried(delivery))


def failed(delivery: Delivery, after: float = 5.0) -> Settlement:
    return Settlement(delivery, "failed", after, tried(delivery, "it answered 500", 500))


def counters(store: redis.Redis) -> dict[str, int]:
    found = store.hgetall("ti:counters")
    return {name.decode()[11:]: int(count) for name, count in found.items() if name.startswith(b"deliveries:")}


def leftovers(store: redis.Redis) -> list[bytes]:
    """Keys of deliveries that should be gone when nothing is to be delivered."""
    kept = (b":recent",)
    return [
        key
        for key in store.scan_iter("ti:deliveries:*")
        if (not key.endswith(kept) and store.type(key) != b"hash") or key.endswith((b":tries", b":payloads"))
    ]


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


def test_one_taken_up_while_it_was_about_to_be_buried_is_not(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    (delivery,) = deliveries.claim(100)
    assert deliveries._bury(one, [delivery.name]) == 0
    deliveries.settle([delivered(delivery)])
    assert deliveries._bury(one, [delivery.name]) == 0
    assert DeadLetters(store).count() == 0


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


def fail_until_open(store: redis.Redis, deliveries: Deliveries) -> None:
    for _ in range(FAILURES):
        delivery = deliveries.claim(1)[0]
        deliveries.settle([failed(delivery, 0)])


def test_the_circuit_opens_says_so_lets_a_probe_through_and_closes(
    store: redis.Redis,
    events: Events,
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    one = subscribe(subscriptions)
    record(events, subscriptions)
    fail_until_open(store, deliveries)
    health = subscriptions.health(one["id"])
    assert (health["circuit"], health["consecutive_failures"], health["pending"]) == ("open", FAILURES, 8)
    assert health["circuit_until"] is not None
    assert caplog.text.count("the last 5 deliveries failed (it answered 500)") == 1
    assert "hush" not in caplog.text
    tries = store.hgetall(f"ti:deliveries:{one['id']}:tries")
    for open_for in (10, 20, 40, 80, 160, 300, 300):
        pass_seconds(store, open_for - 1)
        assert deliveries.claim(100) == [], "the circuit is open"
        pass_seconds(store, 1.5)
        assert subscriptions.health(one["id"])["circuit"] == "half-open"
        (probe,) = deliveries.claim(100)
        assert deliveries.claim(100) == [], "one probe is enough"
        deliveries.settle([failed(probe, 0)])
    waited = {name: count for name, count in store.hgetall(f"ti:deliveries:{one['id']}:tries").items() if name in tries}
    assert sum(map(int, waited.values())) <= sum(map(int, tries.values())) + 7, "waiting uses up no attempts"
    pass_seconds(store, 301)
    (probe,) = deliveries.claim(100)
    deliveries.settle([delivered(probe)])
    assert subscriptions.health(one["id"])["circuit"] == "closed"
    assert caplog.text.count("a delivery arrived; all that waits is sent again") == 1
    assert len(deliveries.claim(100)) == 7


def test_a_probe_that_was_lost_with_its_worker_is_followed_by_another(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions)
    record(events, subscriptions)
    fail_until_open(store, deliveries)
    pass_seconds(store, 11)
    assert len(deliveries.claim(100)) == 1
    pass_seconds(store, LEASE_MS / 1000 + 1)
    assert len(deliveries.claim(100)) == 1


def test_failures_with_successes_between_them_open_nothing(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions)
    for number in range(3):
        record(events, subscriptions, f"{number + 1}-0/0")
    for number in range(20):
        delivery = deliveries.claim(1)[0]
        deliveries.settle([delivered(delivery) if number % FAILURES == FAILURES - 1 else failed(delivery, 900)])
    assert subscriptions.health(one["id"])["circuit"] == "closed"


def test_a_destination_that_asks_for_a_pause_gets_it_for_everything_and_its_circuit_stays_closed(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions)
    record(events, subscriptions)
    for number in range(FAILURES + 1):
        (delivery,) = deliveries.claim(1)
        deliveries.settle([Settlement(delivery, "slowed", 60, tried(delivery, "it answered 429", 429))])
        pass_seconds(store, 58)
        record(events, subscriptions, f"{number + 2}-0/0")
        assert deliveries.claim(100) == [], "nor what comes in meanwhile"
        pass_seconds(store, 3)
    health = subscriptions.health(one["id"])
    assert (health["circuit"], health["consecutive_failures"], health["failed"]) == ("closed", 0, FAILURES + 1)


def test_what_waits_for_a_disabled_subscription_waits_and_goes_on_when_it_is_enabled(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=720)
    record(events, subscriptions)
    (delivery, _) = deliveries.claim(100)
    subscriptions.disable(one["id"], "It answered 410.")
    deliveries.settle([Settlement(delivery, "refused", attempt=tried(delivery, "it answered 410", 410))])
    pass_seconds(store, 30 * HOUR)
    assert deliveries.claim(100) == []
    assert deliveries.bury(hours=24, retention_days=4) == 0
    subscriptions.enable(one["id"])
    assert deliveries.bury(hours=24, retention_days=4) == 0, "enabling begins its day anew"
    assert len(deliveries.claim(100)) == 2
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 2


def test_what_waits_for_a_disabled_subscription_becomes_a_dead_letter_before_its_event_is_forgotten(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    subscriptions.disable(one["id"], "It was disabled by hand.")
    pass_seconds(store, 3.7 * 24 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    (letter,) = DeadLetters(store).list(limit=5).items
    assert letter["message"] == "its subscription is disabled: It was disabled by hand."


def test_one_enabled_late_has_its_time_only_as_long_as_its_event_is_kept(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    subscriptions.disable(one["id"], "It was disabled by hand.")
    pass_seconds(store, 3.3 * 24 * HOUR)
    subscriptions.enable(one["id"])
    assert deliveries.bury(hours=24, retention_days=4) == 0
    pass_seconds(store, 0.4 * 24 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    assert DeadLetters(store).count() == 1


def test_thousands_that_are_overdue_become_dead_letters_in_a_few_rounds_of_the_clock(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    for _ in range(5):
        subscribe(subscriptions)
    for number in range(30):
        record(events, subscriptions, f"{number + 1}-0/0")
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 5 * 30 * 8
    assert DeadLetters(store).count() == 5 * 30 * 8
    assert leftovers(store) == []


def test_what_could_not_be_delivered_in_time_is_a_dead_letter_with_its_document_and_the_reason(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    event = record(events, subscriptions)
    (delivery,) = deliveries.claim(100)
    deliveries.settle([failed(delivery)])
    pass_seconds(store, 23.9 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 0
    (again,) = deliveries.claim(100)
    deliveries.settle([failed(again)])
    pass_seconds(store, 0.2 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    (letter,) = DeadLetters(store).list(limit=5).items
    assert letter["id"] == f"{one['id']}:{delivery.webhook_id}"
    assert (letter["sort"], letter["reason"], letter["source"]) == ("delivery", "undeliverable", "cts-video")
    assert letter["message"] == "not delivered in time; tried 2 times, at last: it answered 500"
    assert letter["raw"].encode() == delivery.body
    assert letter["received_at"] == event["received_at"]
    assert (letter["subscription"], letter["url"]) == (one["id"], "http://host/hook")
    assert (letter["event_id"], letter["rendition_id"]) == (event["id"], delivery.rendition)
    assert counters(store) == {"failed": 2, "dead": 1}
    assert subscriptions.health(one["id"])["dead"] == 1
    assert leftovers(store) == []


def test_what_is_on_its_way_is_not_buried_and_what_was_never_sent_is_all_the_same(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, min_height=720)
    record(events, subscriptions)
    pass_seconds(store, 24 * HOUR - 1)
    deliveries.claim(1)
    pass_seconds(store, 2)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    (letter,) = DeadLetters(store).list(limit=5).items
    assert letter["message"] == "not delivered in time; its destination was not to be reached and nothing was sent"
    pass_seconds(store, LEASE_MS / 1000)
    assert deliveries.bury(hours=24, retention_days=4) == 1, "its worker is dead"


def dead(store: redis.Redis, deliveries: Deliveries) -> tuple[DeadLetters, str]:
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    letters = DeadLetters(store, put_back=deliveries.put_back)
    (letter,) = letters.list(limit=5).items
    return letters, letter["id"]


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_replayed_one_goes_out_at_once_as_if_never_tried_under_its_old_id_even_without_its_event(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries, forgotten: bool
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    (before,) = deliveries.claim(100)
    deliveries.settle([failed(before)])
    letters, letter = dead(store, deliveries)
    if forgotten:
        pass_seconds(store, 4 * 24 * HOUR)
        Retention(store, days=4).run()
    assert letters.replay(letter) == ""
    (again,) = deliveries.claim(100)
    assert (again.webhook_id, again.body, again.attempt) == (before.webhook_id, before.body, 1)
    assert again.rendition == before.rendition
    assert letters.count() == 0
    deliveries.settle([delivered(again)])
    assert subscriptions.health(one["id"])["delivered"] == 1
    assert leftovers(store) == []
    assert not forgotten or not list(store.scan_iter("ti:attempts:*")), "nobody would ever forget these"


def test_a_replayed_one_that_fails_again_is_a_dead_letter_again(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    subscribe(subscriptions, "event", min_height=1080)
    record(events, subscriptions)
    letters, letter = dead(store, deliveries)
    body = letters.list(limit=1).items[0]["raw"]
    letters.replay(letter)
    _, again = dead(store, deliveries)
    assert again == letter
    assert letters.list(limit=1).items[0]["raw"] == body


def test_a_letter_whose_subscription_is_gone_stays_and_says_why(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=1080)
    record(events, subscriptions)
    letters, letter = dead(store, deliveries)
    subscriptions.remove(one["id"])
    with pytest.raises(CannotReplay, match="Its subscription is gone"):
        letters.replay(letter)
    assert letters.count() == 1


def test_a_delivery_whose_event_is_forgotten_is_dropped_counted_and_said(
    store: redis.Redis,
    events: Events,
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = subscribe(subscriptions, min_height=720)
    record(events, subscriptions)
    pass_seconds(store, 5 * 24 * HOUR)
    Retention(store, days=4).run()
    assert deliveries.claim(100) == []
    assert counters(store) == {"dropped": 2}
    assert store.hget("ti:counters", "expired:undelivered") == b"2", "the alert on lost events counts on it"
    assert subscriptions.health(one["id"])["dropped"] == 2
    assert "2 deliveries are dropped" in caplog.text
    assert leftovers(store) == []


def test_one_that_cannot_be_made_leaves_the_others_alone_and_the_destination_is_not_to_blame(
    store: redis.Redis,
    events: Events,
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = subscribe(subscriptions)
    record(events, subscriptions)
    real = module.document

    def poisoned(event: Any, number: int, asked: Any) -> Any:
        return real(event, number, asked) if number != 3 else 1 / 0

    monkeypatch.setattr(module, "document", poisoned)
    assert len(deliveries.claim(100)) == 7
    health = subscriptions.health(one["id"])
    assert (health["out"], health["pending"], health["consecutive_failures"]) == (7, 1, 0)
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) >= 1
    monkeypatch.undo()


def test_a_letter_written_by_hand_that_nobody_takes_is_a_letter_again_and_holds_up_none_behind_it(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    """Only an id is asked of what is imported, so what it was received from and when may not be in it."""
    one = subscribe(subscriptions, min_height=1080)
    letters = DeadLetters(store, put_back=deliveries.put_back)
    written = {
        "zego:1": {"id": "zego:1/stream/1", "event": {"id": "zego:1", "source": ["?"]}},
        "zego:2": {"id": "zego:2/stream/2", "event": "zego:2"},
        "other:3": {"id": "other:3/stream/3", "source": "made up", "received_at": 5},
    }
    for event_id, sent in written.items():
        given = {"source": "zego", "reason": "undeliverable", "raw": json.dumps(sent), "subscription": one["id"]}
        letters.bring_back([DeadLetterImport().load({**given, "event_id": event_id})])
    assert letters.replay_some(limit=10).done == 3
    record(events, subscriptions)
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 4
    found = letters.list(limit=10).items
    assert sorted(letter["source"] for letter in found) == ["cts-video", "unknown", "zego", "zego"]
    assert not store.hexists("ti:counters", "dead_letters:made up"), "nobody's words become the name of a counter"
    assert all(letter["subscription"] == one["id"] for letter in found)


def test_a_document_that_is_none_leaves_the_deliveries_of_others_alone(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries
) -> None:
    one = subscribe(subscriptions, min_height=720)
    record(events, subscriptions)
    name = store.zrange(f"ti:deliveries:{one['id']}:due", 0, 0)[0]
    store.hset(f"ti:deliveries:{one['id']}:payloads", name, '{"id": 5}')
    assert len(deliveries.claim(100)) == 1
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 2
    assert subscriptions.health(one["id"])["dropped"] == 1
    assert leftovers(store) == []


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


def test_a_dead_letter_that_the_store_refuses_loses_nothing_and_leaves_the_others_alone(
    store: redis.Redis,
    events: Events,
    subscriptions: Subscriptions,
    deliveries: Deliveries,
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = [subscribe(subscriptions, min_height=1080) for _ in range(2)]
    event = record(events, subscriptions)
    first = subscriptions.list()[0]["id"]
    (name,) = store.zrange(f"ti:deliveries:{first}:due", 0, -1)
    bad = f"ti:dead:{first}:{webhook_id(event['renditions'][int(name.rpartition(b'/')[2])])}"
    store.set(bad, "no hash")
    pass_seconds(store, 25 * HOUR)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    assert "cannot become a dead letter" in caplog.text
    assert sorted(health["pending"] for health in subscriptions.healths([one["id"] for one in both])) == [0, 1]
    store.delete(bad)
    assert deliveries.bury(hours=24, retention_days=4) == 1
    assert DeadLetters(store).count() == 2


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
