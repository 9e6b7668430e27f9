"""A destination that fails is left alone, looked after, and taken up again."""

import pytest
import redis

from tests.workers.delivering import delivered, failed, pass_seconds, record, subscribe, tried
from workers.queues.deliveries import FAILURES, LEASE_MS, Deliveries, Settlement
from workers.queues.events import Events
from workers.queues.subscriptions import Subscriptions


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
