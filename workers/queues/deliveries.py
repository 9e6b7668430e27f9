"""Deliveries: what is to be sent to subscriptions, from its recording until it has arrived or is a dead letter.

    ti:deliveries:next              sorted set: subscriptions with deliveries, by the queue time (ms) to look at them again
    ti:deliveries:<sub>:due         sorted set: deliveries that wait, by the queue time (ms) at which they are due
    ti:deliveries:<sub>:out         sorted set: those that are on their way, by the end of their lease. One whose lease has run
                                    out was lost with its worker, and is due again
    ti:deliveries:<sub>:since       sorted set: all of them, by the queue time at which they were first due
    ti:deliveries:<sub>:tries       hash: delivery -> how often it was taken up
    ti:deliveries:<sub>:payloads    hash: delivery -> the document to send, of those that were dead letters
    ti:deliveries:<sub>:recent      list: the last attempts, newest first, JSON as in ti:attempts
    ti:deliveries:<sub>             hash: failures (in a row); opened, wait (ms), until (queue time) while the circuit is open;
                                    paused (queue time, as the destination asked); enabled (queue time); and counts:
                                    delivered, failed (attempts), dead, dropped
    ti:attempts:<copy>              list: attempts for an event, oldest first, the last 200: JSON {subscription, url,
                                    rendition, at, status, seconds, answer, error, attempt}. Forgotten with the event
    ti:counters                     hash; deliveries:succeeded, deliveries:failed (attempts), deliveries:dead, deliveries:dropped;
                                    expired:undelivered, those dropped because there was nothing left to send;
                                    of attempts, attempts:<class of the answer>, attempt_time:<class> and attempt_ms

A delivery is named `<copy>/<number>`: the copy is `<entry in ti:events>.<event id>`, the number a rendition's, or -1 for the
event.

The sorted sets are the queue: every worker looks at them, and no message has to travel. They are written in the same step as the
event, so nothing is delivered that was not recorded, and nothing that was recorded is forgotten.
"""

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import redis

from schemas.encoding import encode
from schemas.event import TranscodeEvent
from schemas.sources import SOURCES
from schemas.subscription import Subscription, without_query
from schemas.times import milliseconds
from schemas.webhook import body_of, document, webhook_id
from workers.queues.events import Events
from workers.queues.script import Argument, Script
from workers.queues.subscriptions import Subscriptions
from workers.retries import pause
from workers.store import Store

#: Deliveries of one subscription that may be on their way at once, over all processes.
MOST_OUT = 10
#: Milliseconds after which a delivery that nobody has settled counts as lost with its worker: twice what an attempt may take.
LEASE_MS = 30_000
#: Subscriptions looked at in one claim.
LOOKS = 128
#: Failures in a row that open a destination's circuit.
FAILURES = 5
#: Milliseconds a circuit is open at first; each probe that fails doubles it, up to MOST_OPEN_MS.
OPEN_MS, MOST_OPEN_MS = 10_000, 300_000
#: Deliveries that become dead letters in one round trip, and how many such a round of the clock may make.
BURIED_AT_ONCE, BURIALS = 200, 10
#: Where a delivery could outlast its event, it becomes a dead letter earlier: after this share of the retention.
SHARE_OF_RETENTION = 0.9

#: Refusals that say nothing about what was to be written.
STORE_STATE = (redis.OutOfMemoryError, redis.ReadOnlyError)

#: The source of what does not say one that there is.
UNKNOWN = "unknown"

HOUR_MS = 60 * 60 * 1000

#: What can have become of a delivery: see delivery_settle.lua.
Became = Literal["delivered", "failed", "slowed", "refused", "unmade", "back", "gone"]

_CLAIM = Script("delivery_claim")
_SETTLE = Script("delivery_settle")
_OVERDUE = Script("delivery_overdue")
_BURY = Script("delivery_bury")
_PUT_BACK = Script("delivery_put_back")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that was claimed, ready to be sent."""

    subscription: Subscription
    name: str
    #: the end of its lease, which whoever settles it must still hold
    lease: str
    #: 1 for the first
    attempt: int
    webhook_id: str
    body: bytes
    #: the rendition's id; None for a whole event
    rendition: str | None


class Settlement(NamedTuple):
    """What became of a claimed delivery."""

    delivery: Delivery
    became: Became
    #: seconds until it is due again, where it is
    after: float = 0.0
    #: what is kept of the attempt; None for nothing
    attempt: Mapping[str, Any] | None = None


class Deliveries:
    """The deliveries of one store."""

    def __init__(self, client: Store, events: Events) -> None:
        self._client = client
        self._events = events

    def claim(self, most: int) -> list[Delivery]:
        """At most `most` deliveries that are due, for whoever asks. Nobody else gets them within LEASE_MS.

        Those whose event is kept no longer are dropped, counted and said.
        """
        answers = _CLAIM.run(self._client, most, MOST_OUT, LEASE_MS, LOOKS)
        claimed: list[Delivery] = []
        others: list[Settlement] = []
        for text, lease, *found in answers:
            subscription: Subscription = json.loads(text)
            names = [name.decode() for name in found[::3]]
            documents = self._documents(subscription, dict(zip(names, found[2::3], strict=True)))
            for name, attempt in zip(names, found[1::3], strict=True):
                sent = documents[name]
                empty = Delivery(subscription, name, lease.decode(), int(attempt), "", b"", None)
                if sent is None:
                    others.append(Settlement(empty, "gone"))
                    continue
                try:
                    claimed.append(_made(empty, sent))
                except Exception as error:
                    log.error("%s: %s cannot be made: %s: %s", subscription["id"], name, type(error).__name__, error)
                    others.append(Settlement(empty, "unmade", pause(int(attempt), random.random())))  # noqa: S311
        gone = Counter(other.delivery.subscription["id"] for other in others if other.became == "gone")
        for subscription_id, count in gone.items():
            log.warning("%s: %d deliveries are dropped, their events are kept no longer", subscription_id, count)
        self.settle(others)
        return claimed

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Ends the leases. Doing it again does nothing; so after an error, do it again. Raises what redis raises.

        One that the store refuses for a reason of its own is left to the end of its lease, and the others are settled.
        """
        if not settlements:
            return
        answers = _SETTLE.run_each(
            self._client,
            [
                (
                    settlement.delivery.subscription["id"],
                    settlement.delivery.name,
                    settlement.delivery.lease,
                    settlement.became,
                    int(settlement.after * 1000),
                    encode(settlement.attempt) if settlement.attempt else b"",
                    FAILURES,
                    OPEN_MS,
                    MOST_OPEN_MS,
                )
                for settlement in settlements
            ],
        )
        for settlement, answer in zip(settlements, answers, strict=True):
            subscription = settlement.delivery.subscription["id"]
            if isinstance(answer, Exception):
                if _is_about_the_store(answer):
                    raise answer
                log.error("%s: %s cannot be settled: %s", subscription, settlement.delivery.name, answer)
            elif answer == b"opened":
                error = (settlement.attempt or {}).get("error")
                log.warning(
                    "%s: the last %d deliveries failed (%s); nothing but a probe is sent there until one arrives",
                    subscription,
                    FAILURES,
                    error,
                )
            elif answer == b"closed":
                log.info("%s: a delivery arrived; all that waits is sent again", subscription)

    def bury(self, *, hours: float, retention_days: float) -> int:
        """Makes dead letters of what could not be delivered within `hours`, with its document and the reason; of how many.

        What waits for a disabled subscription waits on, as long as its events are kept, and becomes one just before.
        """
        kept = retention_days * 24 * SHARE_OF_RETENTION
        subscriptions = {found["id"]: found for found in Subscriptions(self._client).list()}
        arguments: list[Argument] = []
        for subscription in subscriptions.values():
            allowed = hours if subscription["disabled"] is None else kept
            arguments += (subscription["id"], int(allowed * HOUR_MS), int(kept * HOUR_MS))
        buried: Counter[str] = Counter()
        for _ in range(BURIALS if arguments else 0):
            found = [part.decode() for part in _OVERDUE.run(self._client, BURIED_AT_ONCE, *arguments)]
            overdue: dict[str, list[str]] = {}
            for subscription_id, name in zip(found[::2], found[1::2], strict=True):
                overdue.setdefault(subscription_id, []).append(name)
            for subscription_id, names in overdue.items():
                buried[subscription_id] += self._bury(subscriptions[subscription_id], names)
            if len(found) < 2 * BURIED_AT_ONCE:
                break
        for subscription_id, count in buried.items():
            if count:
                log.warning("%s: %d deliveries were overdue, and are dead letters now", subscription_id, count)
        return buried.total()

    def _bury(self, subscription: Subscription, names: Sequence[str]) -> int:
        """Makes dead letters of those that are not on their way; of how many. Drops what there is nothing left of to send."""
        key = f"ti:deliveries:{subscription['id']}"
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hmget(f"{key}:payloads", names)
            pipe.hmget(f"{key}:tries", names)
            for name in names:
                pipe.lrange(f"ti:attempts:{name.rpartition('/')[0]}", 0, -1)
            payloads, tries, *attempts = pipe.execute()
        documents = self._documents(subscription, dict(zip(names, payloads, strict=True)))
        calls: list[list[Argument]] = []
        for name, tried, tried_so in zip(names, tries, attempts, strict=True):
            sent = documents[name]
            letter: list[Argument] = ["", "", "", 0, b"", "", "", "", ""]
            try:
                if sent is not None:
                    letter = self._letter(subscription, name, sent, int(tried or 0), tried_so)
            except Exception as error:
                # Whatever is wrong with it, those behind it must not wait for it.
                log.error("%s: %s cannot be made: %s: %s", subscription["id"], name, type(error).__name__, error)
            if not letter[0]:
                log.warning(
                    "%s: a delivery is dropped, its event is kept no longer or cannot be sent", subscription["id"]
                )
            calls.append([subscription["id"], name, *letter])
        answers = _BURY.run_each(self._client, calls)
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Exception):
                if _is_about_the_store(answer):
                    raise answer
                log.error("%s: %s cannot become a dead letter, and waits: %s", subscription["id"], name, answer)
        return sum(answer for answer in answers if not isinstance(answer, Exception))

    @staticmethod
    def _letter(
        subscription: Subscription,
        name: str,
        sent: dict[str, Any] | Exception,
        tries: int,
        attempts: Sequence[bytes],
    ) -> list[Argument]:
        """The dead letter of a delivery, as `delivery_bury.lua` takes it. Raises whatever is wrong with what was to be sent."""
        if isinstance(sent, Exception):
            raise sent
        copy = name.rpartition("/")[0]
        entry, _, event_id = copy.partition(".")
        source, received = _source_and_receipt(sent, event_id)
        return [
            f"{subscription['id']}:{webhook_id(sent)}",
            source,
            _why(subscription, sent, tries, attempts).encode("utf-8", "replace"),
            received,
            body_of(sent),
            without_query(subscription["url"]),
            event_id,
            sent["id"] if "event" in sent else "",
            entry,
        ]

    def put_back(self, letter_id: str) -> str | None:
        """Makes the delivery that a dead letter was due again, at once, as if it had never been tried; None if that was done.

        Else why it cannot be, in a sentence. Its `webhook-id` is the same as ever.
        """
        fallback = letter_id.rpartition(":")[2]
        event = self._client.hget(f"ti:dead:{letter_id}", "event") or b"unknown"
        answer = bytes(_PUT_BACK.run(self._client, letter_id, b"0-0.%b/%b" % (event, fallback.encode()))).decode()
        return {
            "done": None,
            "no letter": "There is no such dead letter.",
            "no subscription": "Its subscription is gone; there is nowhere to send it to.",
        }[answer]

    def _documents(
        self, subscription: Subscription, kept: Mapping[str, bytes | None]
    ) -> dict[str, dict[str, Any] | Exception | None]:
        """What is to be sent for each delivery: what is kept of it, or else made from its event. None where neither is there.

        One that cannot be made is an exception, and leaves the others alone.
        """
        copies = {name.rpartition("/")[0] for name, payload in kept.items() if payload is None}
        events = self._events_of(sorted(copies), raw=subscription["each"] == "event")
        documents: dict[str, dict[str, Any] | Exception | None] = {}
        for name, payload in kept.items():
            copy, _, number = name.rpartition("/")
            try:
                if payload is not None:
                    documents[name] = json.loads(payload)
                else:
                    event = events.get(copy)
                    if isinstance(event, Exception):
                        raise event
                    documents[name] = event and document(event, int(number), subscription["filter"])
            except Exception as error:
                documents[name] = error
        return documents

    def _events_of(self, copies: Sequence[str], *, raw: bool) -> Mapping[str, TranscodeEvent | Exception]:
        """Those that are kept. One that cannot be read is an exception, and leaves the others alone."""
        if not copies:
            return {}
        try:
            return self._events.of_copies(copies, raw=raw)
        except redis.RedisError:
            raise
        except Exception as error:
            if len(copies) == 1:
                return {copies[0]: error}
            return {copy: event for one in copies for copy, event in self._events_of([one], raw=raw).items()}


def _is_about_the_store(error: Exception) -> bool:
    """Whether a script ended so for a reason that holds for all, and not for what it was given."""
    return isinstance(error, STORE_STATE) or not isinstance(error, redis.ResponseError)


def _made(empty: Delivery, sent: dict[str, Any] | Exception) -> Delivery:
    """The delivery with what is to be sent. Raises whatever is wrong with that."""
    if isinstance(sent, Exception):
        raise sent
    rendition = sent["id"] if "event" in sent else None
    return replace(empty, webhook_id=webhook_id(sent), body=body_of(sent), rendition=rendition)


def _why(subscription: Subscription, sent: Mapping[str, Any], tries: int, attempts: Sequence[bytes]) -> str:
    """The reason of a dead letter, as a sentence for whoever reads it."""
    if subscription["disabled"] is not None:
        return f"its subscription is disabled: {subscription['disabled']['reason']}"
    rendition = sent["id"] if "event" in sent else None
    for text in reversed(attempts):
        attempt = json.loads(text)
        if (attempt["subscription"], attempt["rendition"]) == (subscription["id"], rendition):
            times = "once" if tries == 1 else f"{tries} times"
            return f"not delivered in time; tried {times}, at last: {attempt['error']}"
    return "not delivered in time; its destination was not to be reached and nothing was sent"


def _source_and_receipt(sent: Mapping[str, Any], event_id: str) -> tuple[str, int]:
    """The source of what was to be sent, and when it was received (ms).

    A dead letter that somebody wrote by hand and had delivered need not say them, or may say anything: then the source is that of
    the event's id, or UNKNOWN, because letters are counted by it; and the time is now.
    """
    event = sent.get("event", sent)
    about = event if isinstance(event, dict) else {}
    named = (about.get("source"), event_id.partition(":")[0])
    source = next((name for name in named if isinstance(name, str) and name in SOURCES), UNKNOWN)
    try:
        received = max(0, milliseconds(about["received_at"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        received = int(time.time() * 1000)
    return source, received


def event_of_delivery(name: str) -> str:
    """The id of the event that a delivery is of, from its name."""
    return name.partition(".")[2].rpartition("/")[0]


def attempt_of(
    delivery: Delivery,
    *,
    at: str,
    status: int | None,
    seconds: float,
    answer: str | None,
    error: str | None,
) -> dict[str, Any]:
    """What is kept of an attempt. The URL without its query string, where some receivers keep their secrets."""
    return {
        "subscription": delivery.subscription["id"],
        "url": without_query(delivery.subscription["url"]),
        "rendition": delivery.rendition,
        "at": at,
        "status": status,
        "seconds": round(seconds, 4),
        "answer": answer,
        "error": error,
        "attempt": delivery.attempt,
    }
