"""A team that is pushed to while everything around it is killed."""

from collections import Counter
from typing import Any

import redis

from schemas.subscription import SubscriptionSchema
from tests.chaos.numbered import callback
from tests.receiver import Receiver
from tests.running import until
from workers.queues.subscriptions import Subscriptions

#: What it subscribes to: a third of what is posted, one rendition each.
SOURCE = "zego"


class Team:
    """Subscribes to SOURCE's renditions, and counts how often it was sent which."""

    def __init__(self, store: redis.Redis) -> None:
        self._subscriptions = Subscriptions(store)
        self._receiver = Receiver()
        given = SubscriptionSchema().load({"url": self._receiver.url, "filter": {"source": SOURCE}})
        self._subscription = self._subscriptions.add(given)

    def __enter__(self) -> "Team":
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.stop()

    @staticmethod
    def wants(number: int) -> bool:
        """Whether a numbered callback is for it."""
        return callback(number)[0] == SOURCE

    def wait_for_the_rest(self, seconds: float) -> None:
        """Until nothing waits for it, and nothing is on its way."""

        def is_quiet() -> bool:
            health: dict[str, Any] = self._subscriptions.health(self._subscription["id"])
            return health["pending"] == health["out"] == 0

        until(is_quiet, seconds, every=0.5)

    def pushed(self) -> Counter[int]:
        """How often it was sent which number. Fails where a signature is wrong, or where one number came under two ids."""
        found: Counter[int] = Counter()
        ids: dict[int, str] = {}
        for request in self._receiver.requests:
            # The library refuses what is older than five minutes, which the first of a long run are by now.
            number = int(request.json["event"]["task_id"][1:])
            found[number] += 1
            assert ids.setdefault(number, request.id) == request.id
        assert len(set(ids.values())) == len(ids)
        for request in self._receiver.requests[-100:]:
            request.verified(self._subscription["secret"])
        return found
