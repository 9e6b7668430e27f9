"""Group commit: callbacks that arrive together are made durable together, in one append.

The first callback of a group leads it. While the group before is being appended, the leader waits for its turn and the group
grows; then the leader closes it, appends it whole, and wakes the others. There is no timer: a callback that arrives alone is
its own leader and is appended at once. The primitives are those of `threading`, which gevent's monkey patching turns into
cooperative ones, so the same code serves threads and greenlets.
"""

import threading
import time
from collections.abc import Callable, Sequence
from time import perf_counter

from workers.queues.inbox import Callback

#: Callbacks in one group, at most. A worker reads a group whole, so it is also the grain of the work behind.
MOST_CALLBACKS = 64
#: Bytes of bodies after which a group is full. Bounds an entry of the inbox to this plus one body.
MOST_BYTES = 2 * 1024 * 1024

#: Groups of one in a row after which callbacks are taken to come one at a time.
CROWDED_FOR = 32


#: Told of a group that is durable.
Committed = Callable[[str | None, Sequence[Callback], Sequence[float], float], None]


class LeaderEnded(Exception):
    """What led the group was ended before it was durable, as far as anybody knows."""


class _Group:
    __slots__ = ("arrived", "callbacks", "done", "error", "size")

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.arrived: list[float] = []
        self.size = 0
        self.done = threading.Event()
        self.error: Exception | None = None


class GroupCommit:
    """Makes callbacks durable by `append`, which takes a whole group and returns the id of the inbox entry it became, if it did.

    `appended` is told that id, after the group is durable; `committed` of every group that is durable, wherever: that id or None,
    its callbacks, the times they arrived at, and when it was (by `time.perf_counter`). Neither may block or raise.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Callback]], str | None],
        appended: Callable[[str], None],
        committed: Committed | None = None,
    ) -> None:
        self._append = append
        self._appended = appended
        self._committed = committed
        self._mutex = threading.Lock()
        self._turn = threading.Lock()
        self._open: _Group | None = None
        self._crowded = 0

    def commit(self, callback: Callback) -> None:
        """Returns once the callback is durable. Raises what `append` raised, for every callback of the group alike."""
        with self._mutex:
            group = self._open
            leads = group is None
            if group is None:
                group = self._open = _Group()
            group.callbacks.append(callback)
            group.arrived.append(perf_counter())
            group.size += len(callback.body)
            if len(group.callbacks) == MOST_CALLBACKS or group.size >= MOST_BYTES:
                self._open = None
        if leads:
            self._lead(group)
        else:
            group.done.wait()
        if group.error is not None:
            raise group.error

    def _lead(self, group: _Group) -> None:
        entry_id = None
        try:
            with self._turn:
                if self._crowded:
                    # Lets those in whose requests have arrived but not been read: five times as many a group, and a fifth less
                    # work a callback. Callbacks that come one at a time do without.
                    time.sleep(0)
                self._close(group)
                self._crowded = CROWDED_FOR if len(group.callbacks) > 1 else max(0, self._crowded - 1)
                entry_id = self._append(group.callbacks)
            durable = perf_counter()
        except Exception as error:
            group.error = error
        except BaseException:
            # A server that stops ends its greenlets. Those that follow this one are not to wait for it for ever.
            self._close(group)
            group.error = LeaderEnded("the request that was to make it durable was ended")
            raise
        finally:
            group.done.set()
        if entry_id is not None:
            self._appended(entry_id)
        if group.error is None and self._committed is not None:
            self._committed(entry_id, group.callbacks, group.arrived, durable)

    def _close(self, group: _Group) -> None:
        with self._mutex:
            if self._open is group:
                self._open = None
