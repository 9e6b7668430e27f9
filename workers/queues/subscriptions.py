"""Subscriptions: who is sent what.

    ti:subscriptions            hash; id (`sub_` and 20 hexadecimal digits) -> the subscription as JSON (schemas/subscription.py)
    ti:subscriptions:version    when they were last changed, so that workers read them again only when there was a change. Not a
                                count: in a store that was restored or emptied under the workers it would come to the same
                                number again, and they would go on with subscriptions that are no more

What waits for them, and how their destinations do, is in `deliveries.py`.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.encoding import encode
from schemas.subscription import Subscription
from schemas.times import iso_time
from workers.queues.script import Script
from workers.store import Store

KEY, VERSION = "ti:subscriptions", "ti:subscriptions:version"
#: How many there may be: workers keep them all in memory, and match each event against each.
MOST = 1000

_ADD = Script("subscription_add")
_CHANGE = Script("subscription_change")
_REMOVE = Script("subscription_remove")


class TooMany(Exception):
    """There are MOST subscriptions already; the message says so."""


class Subscriptions:
    """The subscriptions of one store."""

    def __init__(self, client: Store) -> None:
        self._client = client

    def add(self, given: Mapping[str, Any]) -> Subscription:
        """Keeps what `SubscriptionSchema` has loaded; the subscription. It gets what is recorded from now on. Raises TooMany."""
        subscription: Subscription = {
            "id": f"sub_{secrets.token_hex(10)}",
            "url": given["url"],
            "filter": given["filter"],
            "each": given["each"],
            "secret": given["secret"],
            "created_at": iso_time(int(time.time() * 1000)),
            "disabled": None,
        }
        if not _ADD.run(self._client, subscription["id"], encode(subscription), MOST):
            raise TooMany(f"There are {MOST} subscriptions already; remove one first.")
        return subscription

    def find(self, subscription_id: str) -> Subscription | None:
        """The subscription, or None."""
        text = self._client.hget(KEY, subscription_id)
        return None if text is None else _read(text)

    def remove(self, subscription_id: str) -> int | None:
        """Forgets it, and what waited for it, which is counted as dropped; how many those were. None for no such subscription."""
        dropped = _REMOVE.run(self._client, subscription_id)
        return None if dropped is None else int(dropped)

    def enable(self, subscription_id: str) -> bool:
        """Lets it be sent to again; what waits has all of its time ahead. False for no such subscription."""
        return self._set_disabled(subscription_id, None)

    def disable(self, subscription_id: str, reason: str) -> bool:
        """Sends it nothing any more. What waits for it goes on waiting; what comes in is not for it. `reason` is a sentence.

        One that is disabled already keeps its reason. False for no such subscription.
        """
        return self._set_disabled(subscription_id, reason)

    def health(self, subscription_id: str) -> dict[str, Any]:
        """How its destination does.

        `pending` deliveries wait for their time and `out` are on their way; the oldest came `oldest_seconds` ago. `circuit` is
        `closed`, `open` (nothing is sent until `circuit_until`) or `half-open` (the next one sent decides), after so many
        `consecutive_failures`. `delivered`, `failed` (attempts), `dead` and `dropped` count since it was made. `last_attempts`
        are the newest, newest first.
        """
        return self.healths([subscription_id])[0]

    def healths(self, subscription_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The `health` of each, in one round trip."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hmget("ti:time", "wall", "now")
            for key in (f"ti:deliveries:{subscription_id}" for subscription_id in subscription_ids):
                pipe.zcard(f"{key}:due")
                pipe.zcard(f"{key}:out")
                pipe.zrange(f"{key}:since", 0, 0, withscores=True)
                pipe.hgetall(key)
                pipe.lrange(f"{key}:recent", 0, -1)
            (wall, now), *answers = pipe.execute()
        ahead, now = int(wall or 0) - int(now or 0), int(now or 0)
        return [_health(answers[start : start + 5], now, ahead) for start in range(0, len(answers), 5)]

    def _set_disabled(self, subscription_id: str, reason: str | None) -> bool:
        while True:
            before = self._client.hget(KEY, subscription_id)
            if before is None:
                return False
            subscription = _read(before)
            if (subscription["disabled"] is None) == (reason is None):
                return True
            at = iso_time(int(time.time() * 1000))
            subscription["disabled"] = None if reason is None else {"at": at, "reason": reason}
            # Done anew where somebody else was quicker.
            if _CHANGE.run(self._client, subscription_id, before, encode(subscription), "" if reason else "enable"):
                return True

    def list(self) -> list[Subscription]:
        """All of them, newest first."""
        found = [_read(text) for text in self._client.hvals(KEY)]
        return sorted(found, key=order, reverse=True)


class KnownSubscriptions:
    """The subscriptions as a process that matches events knows them, as new as its last look.

    A look is one small read in a round trip that is made anyway: `ask` in a pipeline, `hear` with the answer.
    """

    def __init__(self, client: Store) -> None:
        self._subscriptions = Subscriptions(client)
        self._version: bytes | None = None
        #: those that are not disabled
        self.enabled: list[Subscription] = []

    def ask(self, pipe: Any) -> None:
        """Adds the look to a pipeline."""
        pipe.get(VERSION)

    def hear(self, version: bytes | None) -> None:
        """Takes the look's answer; reads them all where there was a change. Raises what redis raises."""
        if version != self._version:
            self.enabled = [found for found in self._subscriptions.list() if found["disabled"] is None]
            self._version = version


def order(subscription: Subscription) -> tuple[str, str]:
    """What subscriptions are sorted by: when they were made."""
    return subscription["created_at"], subscription["id"]


def _health(answers: Sequence[Any], now: int, ahead: int) -> dict[str, Any]:
    """`now` is queue time, which the clock is `ahead` of by so many ms."""
    pending, out, oldest, fields, recent = answers
    until = int(fields.get(b"until", 0))
    circuit = "closed" if b"opened" not in fields else "open" if now < until else "half-open"
    return {
        "pending": pending,
        "out": out,
        "oldest_seconds": round(max(0.0, now - oldest[0][1]) / 1000, 1) if oldest else None,
        "circuit": circuit,
        "circuit_until": iso_time(until + ahead) if circuit == "open" else None,
        "consecutive_failures": int(fields.get(b"failures", 0)),
        **{name: int(fields.get(name.encode(), 0)) for name in ("delivered", "failed", "dead", "dropped")},
        "last_attempts": [json.loads(attempt) for attempt in recent],
    }


def _read(text: bytes) -> Subscription:
    subscription: Subscription = json.loads(text)
    return subscription
