"""The sweep: inbox entries whose message was lost on the way are published again, and a deep backlog is not.

Messages get lost: a web process dies between the append and the publish; a worker is killed with messages it had taken
(celery #4354, #7950, kombu #305, #1785). The entry is still in the inbox. It is known to be lost when

- it has been overtaken: a newer one was finished, and GRACE seconds later it is still there; or
- nothing at all is queued, nothing has been finished for GRACE seconds, and it is older than that. That was seen once for
  all the entries there were: those that this run does not get to are published again by the next, whatever is queued then.

Ages are what the sweep itself has seen, by a clock that only runs forward; entry ids, which hold a time, are only ever ordered.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from workers.queues.inbox import BEGIN, NONE, Inbox

#: Seconds an entry may be overtaken, or lie there with nothing queued, before it counts as lost.
GRACE = 5.0
#: Entries looked at in one run. The next goes on from there, so that none is out of reach however many wait.
MOST_LOOKED_AT = 2000

log = logging.getLogger(__name__)


class _Sight(NamedTuple):
    at: float
    newest: str
    finished: str


class Sweep:
    """Looks at the inbox, about once a second.

    `publish` sends entry ids to the workers, `queued` counts the broker's messages.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        publish: Callable[[list[str]], None],
        queued: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        grace: float = GRACE,
    ) -> None:
        self._inbox = inbox
        self._publish = publish
        self._queued = queued
        self._clock = clock
        self._grace = grace
        self._sights: deque[_Sight] = deque()
        self._begin = BEGIN
        self._unqueued = NONE

    def run(self) -> list[str]:
        """Publishes again what is lost, oldest first; the entry ids. Raises what the store or the broker raises."""
        sight = self._inbox.sight()
        now = _Sight(self._clock(), sight.newest, sight.finished)
        self._sights.append(now)
        while len(self._sights) > 1 and now.at - self._sights[1].at >= self._grace:
            self._sights.popleft()
        then = self._sights[0]
        if now.at - then.at < self._grace:
            return []
        idle = then.finished == now.finished and then.newest != NONE and self._queued() == 0
        if idle and self._unqueued == NONE:
            self._unqueued, self._begin = then.newest, BEGIN
        lost, self._begin = self._inbox.lost(
            overtaken=then.finished,
            idle_since=then.newest if idle else None,
            unqueued=self._unqueued,
            grace=self._grace,
            begin=self._begin,
            most=MOST_LOOKED_AT,
        )
        if self._begin == BEGIN:
            self._unqueued = NONE
        if lost:
            log.info("%d inbox entries had lost their message on the way and are published again", len(lost))
            self._publish(lost)
        return lost
