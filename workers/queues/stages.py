"""The stages of the flow: how much waits at each, and how long the oldest has. Age is the alarm; length says how much."""

from collections.abc import Sequence
from typing import Any

from workers.queues.inbox import Inbox
from workers.queues.script import Script
from workers.store import Store

_STAGES = Script("stages")


class Stages:
    """The stages of one store's installation."""

    def __init__(self, client: Store, *, pull_queues: Sequence[str]) -> None:
        self._client = client
        self._inbox = Inbox(client)
        self._queues = list(pull_queues)

    def look(self) -> dict[str, dict[str, Any]]:
        """`inbox`, `pull`, `deliveries`, `dead_letters`, each with `waiting` (how many) and `oldest_seconds`.

        What a pull's client holds counts as waiting, for it has not been confirmed, but the age is of what nobody holds. A
        delivery is as old as the time since it was first due. `inbox` also has `idle_seconds`, since anything was finished;
        `pull`, `held`, and `queues` with the three numbers of each queue; `deliveries`, `out` (under way), `late_seconds`
        (since something should have been sent and nobody did) and `open_circuits`. Raises `redis.RedisError`.
        """
        sight = self._inbox.sight()
        queues, (deliveries, out, first_due, late, circuits), (letters, since) = _STAGES.run(
            self._client, *self._queues
        )
        by_queue = {
            name: {"waiting": waiting + held, "held": held, "oldest_seconds": oldest / 1000}
            for name, (waiting, held, oldest) in zip(self._queues, queues, strict=True)
        }
        return {
            "inbox": {
                "waiting": sight.waiting,
                "oldest_seconds": sight.oldest_waited / 1000,
                "idle_seconds": sight.since_progress / 1000,
            },
            "pull": {
                "waiting": sum(queue["waiting"] for queue in by_queue.values()),
                "held": sum(queue["held"] for queue in by_queue.values()),
                "oldest_seconds": max((queue["oldest_seconds"] for queue in by_queue.values()), default=0.0),
                "queues": by_queue,
            },
            "deliveries": {
                "waiting": deliveries,
                "out": out,
                "oldest_seconds": first_due / 1000,
                "late_seconds": late / 1000,
                "open_circuits": circuits,
            },
            "dead_letters": {"waiting": letters, "oldest_seconds": since / 1000},
        }
