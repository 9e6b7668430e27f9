"""Dead letters that nobody has decided about for DEAD_LETTER_DAYS are forgotten, counted, and said in the log."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from workers.queues.events import DAY_MS
from workers.queues.script import Script
from workers.store import Store

#: Letters forgotten in one atomic step: about a millisecond of the store's time.
STEP = 50
#: Steps a round may take.
STEPS = 100
#: Seconds between two lines in the log.
SAID_EVERY = 60.0

_EXPIRE = Script("dead_letter_expire")
_FILE = Script("dead_letter_file")

log = logging.getLogger(__name__)


class DeadLetterRetention:
    """Forgets a store's old dead letters."""

    def __init__(self, client: Store, *, days: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._days = days
        self._clock = clock
        self._is_filed = False
        self._unsaid: Counter[str] = Counter()
        self._said: float | None = None

    def run(self) -> int:
        """Forgets what was kept too long, oldest first, up to STEP * STEPS letters; how many."""
        if not self._is_filed:
            self._file()
            self._is_filed = True
        count = 0
        for _ in range(STEPS):
            parts = _EXPIRE.run(self._client, int(self._days * DAY_MS), STEP)
            self._unsaid.update(part.decode() for part in parts)
            count += len(parts)
            if len(parts) < STEP:
                break
        self._say()
        return count

    def _file(self) -> None:
        """Files letters of a version that had no filing, so that filters and age find them. Done once, and only reads else."""
        for start in range(0, int(self._client.zcard("ti:dead")), STEP):
            letter_ids = self._client.zrange("ti:dead", start, start + STEP - 1)
            with self._client.pipeline(transaction=False) as pipe:
                for letter_id in letter_ids:
                    pipe.hexists(f"ti:dead:{letter_id.decode()}", "kept")
                unfiled = [its for its, is_kept in zip(letter_ids, pipe.execute(), strict=True) if not is_kept]
            if unfiled:
                _FILE.run(self._client, *unfiled)

    def _say(self) -> None:
        if not self._unsaid or (self._said is not None and self._clock() - self._said < SAID_EVERY):
            return
        counts = ", ".join(f"{part} {count}" for part, count in sorted(self._unsaid.items()))
        log.warning("%d dead letters were kept %g days and are forgotten: %s", self._unsaid.total(), self._days, counts)
        self._unsaid.clear()
        self._said = self._clock()
