"""Retention: events older than RETENTION_DAYS are forgotten, pulled or not, with everything that refers to them.

Nothing goes silently: what went is counted in `ti:counters` (`expired`, `expired:unconfirmed`) and said in the log, once a
minute at most.
"""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from workers.queues.events import DAY_MS
from workers.queues.script import Script
from workers.store import Store

#: Events forgotten in one atomic step: about a millisecond of the store's time.
STEP = 50
#: Steps a round may take. With one round a second this keeps up with 10,000 events a second.
STEPS = 200
#: Seconds between two lines in the log.
SAID_EVERY = 60.0

_EXPIRE = Script("expire")

log = logging.getLogger(__name__)


class Forgotten(NamedTuple):
    """What went."""

    events: int = 0
    #: events that a pull queue had not confirmed
    unconfirmed: int = 0

    def and_(self, other: "Forgotten") -> "Forgotten":
        """Both together."""
        return Forgotten(*(one + another for one, another in zip(self, other, strict=True)))


class Retention:
    """Forgets a store's old events."""

    def __init__(self, client: Store, *, days: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._milliseconds = int(days * DAY_MS)
        self._clock = clock
        self._unsaid = Forgotten()
        self._said: float | None = None

    def run(self) -> int:
        """Forgets what is too old, oldest first, up to STEP * STEPS events; how many."""
        forgotten = Forgotten()
        try:
            for _ in range(STEPS):
                removed, *counts = _EXPIRE.run(self._client, self._milliseconds, STEP)
                forgotten = forgotten.and_(Forgotten(*counts))
                if removed < STEP:
                    break
        finally:
            self._say(forgotten)
        return forgotten.events

    def _say(self, forgotten: Forgotten) -> None:
        self._unsaid = self._unsaid.and_(forgotten)
        now = self._clock()
        if not any(self._unsaid) or (self._said is not None and now - self._said < SAID_EVERY):
            return
        log.log(
            logging.WARNING if self._unsaid.unconfirmed else logging.INFO,
            "%d events were older than RETENTION_DAYS and are forgotten; %d of them a pull queue had not confirmed",
            *self._unsaid,
        )
        self._unsaid, self._said = Forgotten(), now
