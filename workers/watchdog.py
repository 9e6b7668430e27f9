"""The watchdog: a worker that lives but no longer works ends itself, so that whoever runs it starts another.

After a lost connection a Celery worker may go on living without consuming (celery #8030, #10205, #10302). So it is judged by its
progress: if messages wait on the broker and this worker has neither finished nor begun one for STALLED_AFTER seconds, it is of
no use. What it may hold is in the inbox, and the sweep publishes it again.
"""

import logging
import threading
import time
from collections.abc import Callable

#: Seconds without progress, while messages wait, after which a worker gives up. Work has to resume within 30.
STALLED_AFTER = 15.0
#: Seconds one message may take. It is at most some thousand callbacks, which is seconds.
STUCK_AFTER = 600.0
#: Seconds between two looks.
EVERY = 1.0
#: The exit status of a worker that gave up.
STALLED = 75

log = logging.getLogger(__name__)


class Watchdog:
    """Watches one worker process from a thread of its own.

    `queued` counts the messages that wait; `alive` is called at every look with the number of messages finished so far. Either
    may raise, for instance while the broker is away: then nobody can work, and the worker is not to blame. `give_up` ends the
    process.
    """

    def __init__(
        self,
        queued: Callable[[], int],
        alive: Callable[[int], object],
        give_up: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queued = queued
        self._alive = alive
        self._give_up = give_up
        self._clock = clock
        self._finished = 0
        self._progress = clock()
        self._busy = False

    def begun(self) -> None:
        """A message was taken up."""
        self._busy = True
        self._progress = self._clock()

    def finished(self) -> None:
        """It was worked off, well or badly."""
        self._busy = False
        self._finished += 1
        self._progress = self._clock()

    def look(self) -> None:
        """One look; gives up if there is no progress although there is work."""
        try:
            self._alive(self._finished)
            waiting = self._queued()
        except Exception as error:
            log.debug("watchdog: %s: %s", type(error).__name__, error)
            waiting = 0
        if self._busy:
            if self._clock() - self._progress > STUCK_AFTER:
                log.error("this worker has been at one message for %g s; it gives up", STUCK_AFTER)
                self._give_up()
        elif waiting == 0:
            self._progress = self._clock()
        elif self._clock() - self._progress > STALLED_AFTER:
            log.error("%d messages wait and this worker has taken none for %g s; it gives up", waiting, STALLED_AFTER)
            self._give_up()

    def start(self) -> None:
        """Looks once a second from now on."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            self.look()
