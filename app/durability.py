"""Durability: where a callback goes so that 200 may be said. Into the inbox; else, where there is one, into the spool.

Once the store has failed, nobody waits for it any more: a background thread asks it every PROBE_EVERY seconds whether it
takes writes again, and until then callbacks go straight to the spool, or are refused at once. When it is back, the same
thread drains the spool. So a store that hangs costs a vendor one COMMIT_TIMEOUT at most, once.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import redis

from workers.queues.inbox import Callback, Inbox
from workers.queues.spool import Spool
from workers.store import Lines, Store

#: Seconds between two questions to a store that is down.
PROBE_EVERY = 0.5

log = logging.getLogger(__name__)


class StoreDown(Exception):
    """The store has failed and not yet taken a write again, and there is no spool."""


class Durability:
    """Appends groups of callbacks to `client`'s inbox, or to `spool`.

    `announce` is told of what the spool drained; `spooled`, of what went there, and of the store's last trouble.
    """

    def __init__(
        self,
        client: Store,
        spool: Spool | None,
        announce: Callable[[str], None],
        spooled: Callable[[Sequence[Callback], redis.RedisError], None] | None = None,
    ) -> None:
        self._client = client
        # Groups are appended one at a time, so one connection serves them all. Should it be stale, and an append have been
        # carried out before it was found out, the callbacks are there twice and recorded once.
        self._inbox = Inbox(Lines(client, 1))
        # Draining has another: no callback waits for a group of the spool, of 2 MiB perhaps, to be moved.
        self._drained = Inbox(client)
        self._spool = spool
        self._announce = announce
        self._spooled = spooled
        self._trouble = redis.RedisError()
        self._down = threading.Event()
        self._lock = threading.Lock()
        self._prober: threading.Thread | None = None

    @property
    def is_down(self) -> bool:
        """Has the store failed, as far as this process knows?"""
        return self._down.is_set()

    def append(self, callbacks: Sequence[Callback]) -> str | None:
        """Makes the group durable: the inbox entry's id, or None if it went to the spool.

        Raises `redis.RedisError` or StoreDown if it could not be made durable at all; `OSError` or SpoolFull if that was for the
        spool's sake.
        """
        if not self.is_down:
            try:
                entry_id = self._inbox.append(callbacks)
                if log.isEnabledFor(logging.DEBUG):
                    sources = ", ".join(sorted({callback.source for callback in callbacks}))
                    log.debug(
                        "accepted %d callbacks of %s as inbox entry %s",
                        len(callbacks),
                        sources,
                        entry_id,
                        extra={"inbox": entry_id},
                    )
                return entry_id
            except redis.RedisError as error:
                log.warning("the store does not take callbacks: %s: %s", type(error).__name__, error)
                self._trouble = error
                self._down.set()
                self.watch()
                if self._spool is None:
                    raise
        if self._spool is None:
            raise StoreDown("the store does not take callbacks, and SPOOL_DIR is not set")
        self._spool.append(callbacks)
        if self._spooled is not None:
            self._spooled(callbacks, self._trouble)
        return None

    def probe(self) -> None:
        """Asks the store to take a write. Raises `redis.RedisError` if it does not."""
        self._client.set("ti:probe", "1", px=60_000)

    def watch(self) -> None:
        """Starts the background thread, unless it runs. To be called at the start too: a spool may be left from before."""
        with self._lock:
            if self._prober is None:
                self._prober = threading.Thread(target=self._run, name="store prober", daemon=True)
                self._prober.start()

    def _run(self) -> None:
        while True:
            try:
                self.probe()
                if self._down.is_set():
                    log.warning("the store takes callbacks again")
                self._down.clear()
                if self._spool is not None:
                    for entry_id in self._spool.drain(self._drained.append):
                        self._announce(entry_id)
            except (redis.RedisError, OSError) as error:
                if isinstance(error, redis.RedisError):
                    self._trouble = error
                log.debug("store prober: %s: %s", type(error).__name__, error)
            time.sleep(PROBE_EVERY)
