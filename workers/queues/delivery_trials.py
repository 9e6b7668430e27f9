"""Trials: a sample for a subscription, sent by a worker as everything else is, whose outcome somebody waits for.

    ti:trials           list: trials that wait for a worker, JSON
    ti:trial:<id>       list with one outcome, JSON; kept for a minute

A worker sends it and not the web process that is asked to, because what counts is what a worker's machine can reach.
"""

import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from schemas.event import TranscodeEvent
from schemas.matching import WHOLE_EVENT, matching
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.subscription import Subscription
from schemas.times import iso_time
from schemas.webhook import body_of, document, webhook_id
from workers.outcome import Outcome
from workers.store import Store

#: Seconds an outcome is kept for whoever asked.
KEPT_SECONDS = 60
#: Seconds to wait for it: as long as an attempt may take, and some more for a worker to take it up.
PATIENCE = 20.0
#: Seconds between two looks for it.
EVERY = 0.05
#: Trials that may wait, so that asking without end fills nothing.
MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """A sample that is to be sent."""

    id: str
    url: str
    secret: str
    webhook_id: str
    body: bytes


class NoWorker(Exception):
    """Nobody has sent it; the message says so."""


class Trials:
    """The trials of one store."""

    def __init__(self, client: Store) -> None:
        self._client = client

    def run(self, subscription: Subscription, patience: float = PATIENCE) -> dict[str, Any]:
        """Has a sample sent, and waits: `status`, `seconds`, `answer` and `error` as in an attempt. Raises NoWorker."""
        sent = sample_for(subscription)
        trial_id = secrets.token_hex(8)
        text = {
            "id": trial_id,
            "url": subscription["url"],
            "secret": subscription["secret"],
            "webhook_id": webhook_id(sent),
            "body": body_of(sent).decode(),
        }
        with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush("ti:trials", json.dumps(text))
            pipe.ltrim("ti:trials", -MOST_WAITING, -1)
            pipe.execute()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            told = self._client.lpop(f"ti:trial:{trial_id}")
            if told is not None:
                outcome: dict[str, Any] = json.loads(told)
                return outcome
            time.sleep(EVERY)
        self._client.lrem("ti:trials", 1, json.dumps(text))
        raise NoWorker(f"No worker has sent it within {patience:g} s; is one running?")

    def take(self) -> Trial | None:
        """A trial that waits, for the worker that asks; or None."""
        text = self._client.lpop("ti:trials")
        if text is None:
            return None
        given = json.loads(text)
        return Trial(**{**given, "body": given["body"].encode()})

    def tell(self, trial: Trial, outcome: Outcome) -> None:
        """Tells whoever waits what came of it."""
        known = asdict(outcome)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush(
                f"ti:trial:{trial.id}",
                json.dumps({name: known[name] for name in ("status", "seconds", "answer", "error")}),
            )
            pipe.expire(f"ti:trial:{trial.id}", KEPT_SECONDS)
            pipe.execute()


def sample_for(subscription: Subscription) -> dict[str, Any]:
    """A document such as the subscription would be sent, made from the sample of a source that it is about.

    One that its filter asks for, where the sample has one.
    """
    asked = subscription["filter"]
    source = asked["source"] or "cts-video"
    event: TranscodeEvent = read_callback(
        source, sample(source), received_at=iso_time(int(time.time() * 1000)), check_signature=False
    )
    if subscription["each"] == "event":
        return document(event, WHOLE_EVENT, asked)
    return document(event, next(iter(matching(asked, event)), 0), asked)
