"""Retention: events older than RETENTION_DAYS are forgotten, pulled or not, with everything that refers to them."""

from workers.queues.events import DAY_MS
from workers.queues.script import Script
from workers.store import Store

#: Events forgotten in one atomic step: about a millisecond of the store's time.
STEP = 50
#: Steps a round may take. With one round a second this keeps up with 10,000 events a second.
STEPS = 200

_EXPIRE = Script("expire")


class Retention:
    """Forgets a store's old events."""

    def __init__(self, client: Store, *, days: float) -> None:
        self._client = client
        self._milliseconds = int(days * DAY_MS)

    def run(self) -> int:
        """Forgets what is too old, oldest first, up to STEP * STEPS events; how many."""
        forgotten = 0
        for _ in range(STEPS):
            step = int(_EXPIRE.run(self._client, self._milliseconds, STEP))
            forgotten += step
            if step < STEP:
                break
        return forgotten
