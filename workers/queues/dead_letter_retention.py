"""Dead letters that nobody has decided about for DEAD_LETTER_DAYS are forgotten, counted, and said in the log."""

import logging
from collections import Counter

from workers.queues.events import DAY_MS
from workers.queues.script import Script
from workers.store import Store

#: Letters forgotten in one atomic step: about a millisecond of the store's time.
STEP = 50
#: Steps a round may take.
STEPS = 100

_EXPIRE = Script("dead_letter_expire")

log = logging.getLogger(__name__)


class DeadLetterRetention:
    """Forgets a store's old dead letters."""

    def __init__(self, client: Store, *, days: float) -> None:
        self._client = client
        self._days = days

    def run(self) -> int:
        """Forgets what was kept too long, oldest first, up to STEP * STEPS letters; how many."""
        forgotten: Counter[str] = Counter()
        for _ in range(STEPS):
            parts = _EXPIRE.run(self._client, int(self._days * DAY_MS), STEP)
            forgotten.update(part.decode() for part in parts)
            if len(parts) < STEP:
                break
        if forgotten:
            counts = ", ".join(f"{part} {count}" for part, count in sorted(forgotten.items()))
            log.warning(
                "%d dead letters were kept %g days and are forgotten: %s", forgotten.total(), self._days, counts
            )
        return forgotten.total()
