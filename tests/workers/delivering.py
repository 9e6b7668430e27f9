"""What tests of deliveries do and look at."""

from typing import Any

import redis

from schemas.matching import deliveries as matched
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.subscription import Subscription, SubscriptionSchema
from workers.queues.deliveries import Delivery, Settlement, attempt_of
from workers.queues.events import Events, Recordable
from workers.queues.subscriptions import Subscriptions

HOUR = 3600


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
