"""The waiting room: clients that long-poll an empty queue wait here, and one attendant a process looks for all of them.

However many wait, a process holds one blocking read on the store and, when something comes, pulls once a client it can serve, in
the order they came.

Warning: a client that waits takes a thread of the server's. To gevent that is nothing; a server with few threads gives them
all to waiting clients.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable

from app.pull.refused import Reason, Refused
from app.pull.witness import Witness
from workers.queues.pull import Pulled, PullQueues

#: Seconds a pull waits for a first event.
LONG_POLL = 5.0
#: The part of it by which waits differ, so that clients that came together (after a restart) do not go on asking together.
SPREAD = 0.1
#: Seconds between two looks at holds that have run out, at most.
LOOK_EVERY = 1.0

log = logging.getLogger(__name__)


class _Waiter:
    __slots__ = ("answered", "being_served", "by", "form", "hung_up", "late", "pulled", "queue")

    def __init__(self, queue: str, form: str, hung_up: Callable[[], bool], by: str) -> None:
        self.queue = queue
        self.by = by
        self.form = form
        self.hung_up = hung_up
        self.pulled: list[Pulled] = []
        self.being_served = self.late = False
        self.answered = threading.Event()


class WaitingRoom:
    """Pulls for clients, and lets up to `most_waiting` of them wait for `long_poll` seconds each."""

    def __init__(
        self,
        queues: PullQueues,
        *,
        most_waiting: int,
        long_poll: float = LONG_POLL,
        witness: Witness | None = None,
    ) -> None:
        self._queues = queues
        self._witness = witness
        self._long_poll = long_poll
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._somebody = threading.Event()
        self._waiters: dict[str, deque[_Waiter]] = {}
        self._attendant: threading.Thread | None = None
        self._closed = False

    def pull(self, queue: str, form: str, hung_up: Callable[[], bool] = lambda: False, by: str = "") -> list[Pulled]:
        """Up to 16 events in `form`, at once if there are any, else those that come within LONG_POLL seconds; else none.

        `by` is whom an event's story names: a SecretId.

        A client that has `hung_up` by then gets none: what it was given nobody else would see for 30 s.
        Raises `redis.RedisError` if the store does not answer, and Refused if too many wait already.
        """
        pulled, _ = self._queues.pull(queue, form, by=by)
        if pulled:
            return pulled
        waiter = _Waiter(queue, form, hung_up, by)
        with self._lock:
            if self._closed:
                return []
            if sum(len(waiters) for waiters in self._waiters.values()) >= self._most_waiting:
                raise Refused(Reason.TOO_MANY, "too many clients are waiting; ask again in a few seconds")
            self._waiters.setdefault(queue, deque()).append(waiter)
            self._count(queue)
            if self._attendant is None:
                self._attendant = threading.Thread(target=self._attend, name="pull attendant", daemon=True)
                self._attendant.start()
        self._somebody.set()
        if not waiter.answered.wait(self._long_poll * random.uniform(1 - SPREAD, 1)):  # noqa: S311 -- nobody's secret
            with self._lock:
                waiter.late = True
                if not waiter.being_served:
                    self._leave(waiter)
            # What is being pulled for this client right now is held for nobody else, so it takes it along.
            waiter.answered.wait()
        return waiter.pulled

    def close(self) -> None:
        """Sends home whoever waits, with nothing, and lets nobody wait any more. What there is can still be pulled."""
        with self._lock:
            self._closed = True
            for waiters in self._waiters.values():
                for waiter in list(waiters):
                    waiter.late = True
                    if not waiter.being_served:
                        self._leave(waiter)

    def _leave(self, waiter: _Waiter) -> None:
        if not waiter.answered.is_set():
            self._waiters[waiter.queue].remove(waiter)
            self._count(waiter.queue)
            waiter.answered.set()

    def _count(self, queue: str) -> None:
        if self._witness is not None:
            self._witness.waiting(queue, len(self._waiters[queue]))

    def _attend(self) -> None:
        while True:
            self._somebody.wait()
            try:
                # In this order: what comes while we serve ends the wait at once.
                newest = self._queues.newest_event()
                look_again = self._serve()
                if self._anybody():
                    self._queues.wait(newest, look_again)
            except Exception as error:
                # Whatever it is: without an attendant nobody who waits would ever be served again.
                log.warning("cannot look for events: %s: %s", type(error).__name__, error)
                time.sleep(LOOK_EVERY)

    def _anybody(self) -> bool:
        with self._lock:
            if not any(self._waiters.values()):
                self._somebody.clear()
            return self._somebody.is_set()

    def _serve(self) -> float:
        """Gives those who wait what there is; the seconds until it is worth looking again, if nothing new comes."""
        look_again = LOOK_EVERY
        for queue in list(self._waiters):
            while (waiter := self._first(queue)) is not None:
                pulled: list[Pulled] = []
                try:
                    pulled, until_next = self._queues.pull(queue, waiter.form, by=waiter.by)
                finally:
                    self._served(waiter, pulled)
                if not pulled:
                    look_again = look_again if until_next is None else min(look_again, until_next)
                    break
        return max(look_again, 0.01)

    def _first(self, queue: str) -> _Waiter | None:
        with self._lock:
            waiters = self._waiters[queue]
            while waiters and waiters[0].hung_up():
                self._leave(waiters[0])
            if not waiters:
                return None
            waiters[0].being_served = True
            return waiters[0]

    def _served(self, waiter: _Waiter, pulled: list[Pulled]) -> None:
        with self._lock:
            waiter.being_served = False
            waiter.pulled = pulled
            if pulled or waiter.late:
                self._leave(waiter)
