"""What a web process tells of traces: that a callback was accepted, and that its event was pulled and confirmed.

Only where traces are asked for (`workers.tracing`); else no callback pays for them.
"""

import time
from collections.abc import Sequence
from time import perf_counter

from app.group_commit import Committed
from workers.queues.inbox import Callback
from workers.tracing import Attributes, Tracing, tracing


class WebTraces:
    """Tells `traced` of what happens in a web process."""

    def __init__(self, traced: Tracing) -> None:
        self._traced = traced

    @classmethod
    def asked_for(cls) -> "WebTraces | None":
        """Those of this process, or None where nobody wants any."""
        traced = tracing("web")
        return cls(traced) if traced else None

    def after(self, committed: Committed) -> Committed:
        """A `committed` that does what the given one does, and then tells of each callback.

        Not of those that went to the spool: their places in the inbox are not known yet, and their traces begin in a worker.
        """

        def both(entry_id: str | None, callbacks: Sequence[Callback], arrived: Sequence[float], durable: float) -> None:
            committed(entry_id, callbacks, arrived, durable)
            if entry_id is None:
                return
            ended = time.time() - (perf_counter() - durable)
            for position, (callback, at) in enumerate(zip(callbacks, arrived, strict=True)):
                about: Attributes = {
                    "transcode_inbox.source": callback.source,
                    "transcode_inbox.group": len(callbacks),
                    "http.request.body.size": len(callback.body),
                }
                origin = f"{entry_id}/{position}"
                self._traced.span("accept", origin, ended - (durable - at), ended, about, server=True)

        return both

    def flush(self) -> None:
        """Sends what has not gone out yet: this process is about to end."""
        self._traced.flush()

    def handed_on(self, what: str, queue: str, event_id: str, origin: str) -> None:
        """An event was pulled, or confirmed (`what`), just now."""
        about = {"transcode_inbox.event": event_id, "transcode_inbox.queue": queue}
        now = time.time()
        self._traced.span(what, origin, now, now, about, server=True)
