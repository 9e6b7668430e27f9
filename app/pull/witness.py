"""The witness: what is pulled and confirmed is counted, at LOG_LEVEL=DEBUG said event by event, and traced where asked for."""

import logging
from collections.abc import Callable, Sequence

import redis

from app.counts import Counts
from app.traces import WebTraces
from workers.queues.pull import Pulled, event_of

log = logging.getLogger(__name__)


class Witness:
    """Sees every answered pull and confirmation of one process, and counts in `counts`.

    `origins` says where events were in the inbox, which is what their traces go by.
    """

    def __init__(
        self, counts: Counts, traces: WebTraces | None, origins: Callable[[Sequence[str]], list[str | None]]
    ) -> None:
        self._counts = counts
        self._traces = traces
        self._origins = origins

    def pulled(self, queue: str, events: Sequence[Pulled], request_id: str = "") -> None:
        """A client was handed these events, in answer to the request of this id, if it has one."""
        self._counts.pulled(queue, len(events))
        if log.isEnabledFor(logging.DEBUG) or self._traces is not None:
            self._tell("pulled", "pull", queue, [event_of(event.handle.decode()) for event in events], request_id)

    def confirmed(self, queue: str, handles: Sequence[str], good: Sequence[bool], request_id: str = "") -> None:
        """A client gave these handles back, of which some were good."""
        confirmed = sum(good)
        self._counts.confirmed(queue, confirmed, len(handles) - confirmed)
        if log.isEnabledFor(logging.DEBUG) or self._traces is not None:
            confirmed_now = [event_of(handle) for handle, is_good in zip(handles, good, strict=True) if is_good]
            self._tell("confirmed", "confirm", queue, confirmed_now, request_id)

    def waiting(self, queue: str, clients: int) -> None:
        """So many clients of this process wait for events of `queue` now."""
        self._counts.waiting(queue, clients)

    def _tell(self, done: str, step: str, queue: str, events: Sequence[str], request_id: str) -> None:
        about = {"queue": queue, "request": request_id} if request_id else {"queue": queue}
        for event in events:
            log.debug("%s %s from queue %s", done, event, queue, extra={"event": event, **about})
        if self._traces is None or not events:
            return
        try:
            origins = self._origins(events)
        except redis.RedisError as error:
            log.debug("no traces of what was %s: %s: %s", done, type(error).__name__, error)
            return
        for event, origin in zip(events, origins, strict=True):
            if origin is not None:
                self._traces.handed_on(step, queue, event, origin)
