"""The witness: what is pulled and confirmed is counted, and at LOG_LEVEL=DEBUG said, event by event."""

import logging
from collections.abc import Sequence

from app.counts import Counts
from workers.queues.pull import Pulled, event_of

log = logging.getLogger(__name__)


class Witness:
    """Sees every answered pull and confirmation of one process, and counts in `counts`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def pulled(self, queue: str, events: Sequence[Pulled]) -> None:
        """A client was handed these events."""
        self._counts.pulled(queue, len(events))
        if log.isEnabledFor(logging.DEBUG):
            for event in events:
                _say("pulled", queue, event.handle.decode())

    def confirmed(self, queue: str, handles: Sequence[str], good: Sequence[bool]) -> None:
        """A client gave these handles back, of which some were good."""
        confirmed = sum(good)
        self._counts.confirmed(queue, confirmed, len(handles) - confirmed)
        if log.isEnabledFor(logging.DEBUG):
            for handle, is_good in zip(handles, good, strict=True):
                if is_good:
                    _say("confirmed", queue, handle)

    def waiting(self, queue: str, clients: int) -> None:
        """So many clients of this process wait for events of `queue` now."""
        self._counts.waiting(queue, clients)


def _say(what: str, queue: str, handle: str) -> None:
    event = event_of(handle)
    log.debug("%s %s from queue %s", what, event, queue, extra={"event": event})
