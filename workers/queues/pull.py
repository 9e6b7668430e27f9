"""Pull queues: what a client pulls is held for it until it confirms; what it does not confirm in time can be pulled again.

The keys are documented in `pull.lua`. Each queue has its own copy of every event. Both scripts cost the same whether ten events
wait or a million, and whether ten are held or a hundred thousand: a stream gives new events in order of arrival, a sorted set by
the end of their hold gives those that come back. (A consumer group's own pending list is sorted by entry, so finding what has run
out means walking past all that has not; and it measures idleness by a clock that may jump.)
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.queues.script import Script
from workers.store import Lines, Store

#: How many events one call hands out or confirms, at most.
MOST = 16
#: Connections that pulls and confirmations of one process share.
LINES = 8
#: Milliseconds a pulled event is held for its consumer.
HOLD_MS = 30_000

_PULL = Script("pull")
_CONFIRM = Script("confirm")


@dataclass(frozen=True, slots=True)
class Pulled:
    """One event, handed out."""

    handle: str
    #: the event in the form of the API generation that asked, as JSON text
    content: bytes


class PullQueues:
    """All pull queues of one store. `key` seals the handles; every process that shares it takes the others' handles."""

    def __init__(self, client: Store, *, key: bytes) -> None:
        self._client = client
        self._lines = Lines(client, LINES)
        self._key = key

    def pull(self, queue: str, form: str, most: int = MOST) -> tuple[list[Pulled], float | None]:
        """Up to `most` events for whoever asks, in `form` (`v2` or `v3`), and the seconds until the next hold runs out, if any.

        Nobody else gets them within HOLD_MS.
        """
        until_next, ends, *found = _PULL.run(self._lines, queue, most, HOLD_MS, form)
        end = ends.decode()
        pulled = [
            Pulled(self._handle(queue, found[n].decode(), end, found[n + 1].decode()), found[n + 2])
            for n in range(0, len(found), 3)
        ]
        return pulled, (None if until_next < 0 else until_next / 1000)

    def confirm(self, queue: str, handles: Sequence[str]) -> list[bool]:
        """Confirms each handle by itself; for each, whether it was good.

        A handle is bad if it was not made here for this queue, came after its hold had ended, or if the event was handed out
        again since. Confirming again what the same handle has confirmed is good.
        """
        known = [self._open(queue, handle) for handle in handles]
        arguments = [part for parts in known if parts is not None for part in parts]
        answers = iter(_CONFIRM.run(self._lines, queue, *arguments) if arguments else ())
        return [parts is not None and next(answers) == 1 for parts in known]

    def wait(self, queues: Mapping[str, bytes], seconds: float) -> None:
        """Returns once any of the queues has an entry newer than the one given, or after `seconds`."""
        self._client.xread({f"ti:pull:{queue}": last for queue, last in queues.items()}, 1, int(seconds * 1000) or 1)

    def newest_handed_out(self, queue: str) -> bytes:
        """What `wait` takes to wait for events that nobody has pulled yet."""
        return self._client.get(f"ti:pull:{queue}:last") or b"0-0"

    def depth(self, queue: str) -> int:
        """How many events are waiting or held."""
        return int(self._client.xlen(f"ti:pull:{queue}"))

    def held(self, queue: str) -> int:
        """How many events are out, unconfirmed."""
        return int(self._client.zcard(f"ti:pull:{queue}:held"))

    def _handle(self, queue: str, *parts: str) -> str:
        text = ".".join(parts)
        return f"{text}.{self._seal(queue, text)}"

    def _open(self, queue: str, handle: str) -> list[str] | None:
        """What a handle made for this queue was made of, or None for any other text."""
        text, _, seal = handle.rpartition(".")
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(queue, text).encode()):
            return None
        return text.split(".")

    def _seal(self, queue: str, text: str) -> str:
        return hashlib.blake2b(f"{queue}|{text}".encode("utf-8", "replace"), key=self._key, digest_size=12).hexdigest()
