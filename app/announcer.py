"""The announcer: tells the workers of new inbox entries, after the acknowledgement and apart from it.

One background thread a process sends all entry ids that have piled up as one message: at once when idle, at most every
EVERY seconds under load. So what publishing costs is paid once a group, and a broker that is slow or gone delays no
acknowledgement. What cannot be announced, the sweep finds in the inbox.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

#: Seconds between two messages under load.
EVERY = 0.05
#: Entry ids kept while the broker does not answer; older ones are left to the sweep.
MOST_WAITING = 10_000

log = logging.getLogger(__name__)


class Announcer:
    """Hands entry ids to `publish`, from a thread of its own that starts with the first of them."""

    def __init__(self, publish: Callable[[Sequence[str]], None]) -> None:
        self._publish = publish
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._something = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def announce(self, entry_id: str) -> None:
        """Never blocks, never raises."""
        self._waiting.append(entry_id)
        self._something.set()
        if self._thread is None:
            with self._start:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            entry_ids = []
            while self._waiting:
                entry_ids.append(self._waiting.popleft())
            try:
                if entry_ids:
                    self._publish(entry_ids)
            except Exception as error:
                log.warning(
                    "could not tell the workers of %d inbox entries (%s: %s); the sweep will",
                    len(entry_ids),
                    type(error).__name__,
                    error,
                )
            time.sleep(EVERY)
