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
    store = redis.Redis.from_url(consumers.URL)
    store.ping()
    name = str(os.getpid())

    def take() -> int:
        answer = store.execute_command("XREADGROUP", "GROUP", GROUP, name, "COUNT", 16, "STREAMS", STREAM, ">")
        streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or ()]
        ids = [entry[0] for entries in streams for entry in _flat(entries)]
        if ids:
            store.execute_command("XACK", STREAM, GROUP, *ids)
        return len(ids)

    return take


def _flat(entries: list) -> list:
    """redis-py wraps the entries of a stream in one more list under RESP3."""
    return entries[0] if entries and isinstance(entries[0], list) and isinstance(entries[0][0], tuple | list) else entries


if __name__ == "__main__":
    consumers.main(fill, connect)
