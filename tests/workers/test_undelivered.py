"""What was not delivered in time becomes a dead letter, whole, once, and can be delivered all the same."""

import json
from typing import Any

import pytest
import redis

from schemas.api.dead_letter_import import DeadLetterImport
from schemas.webhook import webhook_id
from tests.workers.delivering import (
    HOUR,
    counters,
    delivered,
    failed,
    leftovers,
    pass_seconds,
    record,
    subscribe,
    tried,
)
from workers.queues import deliveries as module
from workers.queues.dead_letters import CannotReplay, DeadLetters
from workers.queues.deliveries import LEASE_MS, Deliveries, Settlement
from workers.queues.events import Events
from workers.queues.retention import Retention
from workers.queues.subscriptions import Subscriptions


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
