"""Pull queues: what a client pulls is held for it until it confirms; what it does not confirm in time can be pulled again.

The keys are documented in `pull.lua`. Each queue has its own copy of every event. Both scripts cost the same whether ten events
wait or a million, and whether ten are held or a hundred thousand: a list gives new events in order of arrival, a sorted set by
the end of their hold gives those that come back. (A consumer group's own pending list is sorted by entry, so finding what has run
out means walking past all that has not; and it measures idleness by a clock that may jump.)
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from workers.queues.script import Script
from workers.store import Lines, Store

#: How many events one call hands out or confirms, at most.
MOST = 16
#: Connections that pulls and confirmations of one process share.
LINES = 4
#: Events whose contents are forgotten in one step: about a millisecond of the store's time.
DROPPED_AT_ONCE = 100
#: Milliseconds a pulled event is held for its consumer.
HOLD_MS = 30_000

_PULL = Script("pull")
_CONFIRM = Script("confirm")
_DROP_FINISHED = Script("drop_finished")


def event_of(handle: str) -> str:
    """The id of the event that a good handle is for."""
    return handle.replace("~", ":").split(".", 1)[1].rsplit(".", 2)[0]


class Pulled(NamedTuple):
    """One event, handed out."""

    handle: bytes
    #: the event in the form of the API generation that asked, as text: JSON; for v3 as `few_fields` has it
    content: bytes


class PullQueues:
    """All pull queues of one store."""

    def __init__(self, client: Store, *, key: bytes, queues: int) -> None:
        """`key` seals the handles: every process that shares it takes the others' handles. There are so many `queues`."""
        self._client = client
        self._lines = Lines(client, LINES)
        self._seal_with = hashlib.blake2b(key=key, digest_size=12)
        self._queues = queues

    def pull(self, queue: str, form: str, most: int = MOST, *, by: str = "") -> tuple[list[Pulled], float | None]:
        """Up to `most` events for whoever asks, in `form` (`v2` or `v3`), and the seconds until the next hold runs out, if any.

        Nobody else gets them within HOLD_MS. `by` is whom their stories name, where it is given.
        """
        until_next, end, *found = _PULL.run(self._lines, queue, most, HOLD_MS, form, quote(by, safe=""))
        pulled = [
            Pulled(self._sealed(queue, b"%b.%b" % (copy, end)), content)
            for copy, content in zip(found[::2], found[1::2], strict=True)
        ]
        return pulled, (None if until_next < 0 else until_next / 1000)

    def confirm(self, queue: str, handles: Sequence[str]) -> list[bool]:
        """Confirms each handle by itself; for each, whether it was good.

        A handle is bad if it was not made here for this queue, came after its hold had ended, or if the event was handed out
        again since. Confirming again what the same handle has confirmed is good.
        """
        known = [self._opened(queue, handle.encode("utf-8", "replace")) for handle in handles]
        arguments = [part for parts in known if parts is not None for part in parts]
        answers = iter(_CONFIRM.run(self._lines, queue, self._queues, *arguments) if arguments else ())
        return [parts is not None and next(answers) == 1 for parts in known]

    def drop_finished(self) -> int:
        """Forgets the contents of events that every queue has confirmed; of how many."""
        dropped = 0
        while step := int(_DROP_FINISHED.run(self._client, DROPPED_AT_ONCE)):
            dropped += step
        return dropped

    def newest_event(self) -> bytes:
        """The place of the newest event there is, for `wait`."""
        newest = self._client.xrevrange("ti:events", count=1)
        return bytes(newest[0][0]) if newest else b"0-0"

    def wait(self, newest: bytes, seconds: float) -> None:
        """Returns once there is an event newer than `newest`, or after `seconds`."""
        self._client.xread({"ti:events": newest}, 1, int(seconds * 1000) or 1)

    def _sealed(self, queue: str, text: bytes) -> bytes:
        # The colon of an event's id would be percent-encoded in every query string.
        return b"%b.%b" % (text.replace(b":", b"~"), self._seal(queue, text))

    def _opened(self, queue: str, handle: bytes) -> tuple[bytes, bytes] | None:
        """The copy and the end of its hold, from a handle that was made for this queue; None for any other text."""
        text, _, seal = handle.replace(b"~", b":").rpartition(b".")
        if not hmac.compare_digest(seal, self._seal(queue, text)):
            return None
        copy, _, end = text.rpartition(b".")
        return copy, end

    def _seal(self, queue: str, text: bytes) -> bytes:
        seal = self._seal_with.copy()
        seal.update(b"%b|%b" % (queue.encode(), text))
        return seal.hexdigest().encode()
