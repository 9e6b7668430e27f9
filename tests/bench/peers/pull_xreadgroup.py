"""The least a Redis stream can cost: `XREADGROUP COUNT 16` and `XACK`, nothing parsed."""

import os
from collections.abc import Iterable

import consumers
import redis

STREAM, GROUP = "events", "pullers"


def fill(bodies: Iterable[str]) -> None:
    """One entry an event."""
    store = redis.Redis.from_url(consumers.URL)
    store.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    pipe = store.pipeline(transaction=False)
    for number, body in enumerate(bodies):
        pipe.xadd(STREAM, {"event": body})
        if number % 500 == 499:
            pipe.execute()
    pipe.execute()


def connect() -> consumers.Take:
    """A consumer of the group."""
    store = redis.Redis.from_url(consumers.URL, protocol=2)
    store.ping()
    name = str(os.getpid())

    def take() -> int:
        answer = store.xreadgroup(GROUP, name, {STREAM: ">"}, count=16)
        ids = [entry_id for _, entries in answer or () for entry_id, _ in entries]
        if ids:
            store.xack(STREAM, GROUP, *ids)
        return len(ids)

    return take


if __name__ == "__main__":
    consumers.main(fill, connect)
