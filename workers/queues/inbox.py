"""The inbox: every accepted callback, from its acknowledgement until its effects are recorded.

    ti:inbox            stream; an entry is a group of callbacks committed together. Its fields are numbered, because clients
                        read them as a mapping: `<n>:<source>` -> body, or `<n>:<source>:<received>[:force]` -> body, where
                        `received` (milliseconds) is when it was first acknowledged, if not just now, and `force` skips
                        the signature check
    ti:inbox:finished   the newest entry id any worker has finished, for the sweep
    ti:inbox:progress   queue time (ms) when anything was last finished
    ti:inbox:swept      hash; entry id -> `<newest entry id> <queue time, ms> <times>`: when the sweep last published it again,
                        and how often it has
    ti:inbox:suspects   hash; `<entry id>/<position>` -> how often a worker began to read that callback and did not end
    ti:counters         hash; `swept`: how many entries were published again

The inbox is the ledger: an entry is deleted only when everything it held is recorded and its renditions are handed on.
Whatever a broker or a worker loses on the way is still here, and the sweep publishes it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from workers.queues.script import Script
from workers.store import Store

KEY = "ti:inbox"

#: How many entries the sweep looks at in one step, during which the store does nothing else: a few milliseconds.
STEP = 16

#: Where the oldest entry is, to begin with.
BEGIN = "-"
#: The id before all others.
NONE = "0-0"

_FINISH = Script("inbox_finish")
_SIGHT = Script("inbox_sight")
_LOST = Script("inbox_lost")


class Callback(NamedTuple):
    """One callback as it arrived."""

    source: str
    body: bytes
    #: milliseconds since the epoch; None for "as the inbox entry says"
    received: int | None = None
    check_signature: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """Callbacks that were committed together, under the id the store gave them."""

    id: str
    callbacks: list[Callback]
    #: how often it was lost and published again
    times_lost: int


def fields(callbacks: Iterable[Callback]) -> list[str | bytes]:
    """The callbacks as alternating field names and values of one entry."""
    parts: list[str | bytes] = []
    for number, (source, body, received, check_signature) in enumerate(callbacks):
        name = f"{number}:{source}"
        if received is not None:
            name = f"{name}:{received}" if check_signature else f"{name}:{received}:force"
        parts += (name, body)
    return parts


def _callback(name: bytes, body: bytes, entry_id: str) -> Callback:
    _, source, *rest = name.decode().split(":")
    received = int(rest[0]) if rest else int(entry_id.partition("-")[0])
    return Callback(source, body, received, check_signature="force" not in rest[1:])


class Sight(NamedTuple):
    """Where the inbox stands. Ids are `0-0` for none; times are milliseconds."""

    #: the newest entry's id, even if it is finished
    newest: str
    finished: str
    waiting: int
    oldest_waited: int
    since_progress: int


class Beside(Protocol):
    """A look at something else that is made in a round trip of the inbox's: one command, and what it answered."""

    def ask(self, pipe: Any) -> None:
        """Adds the command to a pipeline."""

    def hear(self, answer: Any) -> None:
        """Takes its answer."""


class Inbox:
    """The inbox in one store."""

    def __init__(self, client: Store) -> None:
        self._client = client

    def append(self, callbacks: Sequence[Callback]) -> str:
        """Makes the callbacks durable, all or none, in one entry; its id. Raises `redis.RedisError`."""
        return str(self._client.execute_command("XADD", KEY, "*", *fields(callbacks)), "ascii")

    def take(self, entry_ids: Sequence[str], beside: Beside | None = None) -> list[Entry]:
        """Those of the entries (at least one) that are still there, in the order asked for.

        `beside` has a look at something else in the same round trip.
        """
        with self._client.pipeline(transaction=False) as pipe:
            for entry_id in entry_ids:
                pipe.xrange(KEY, entry_id, entry_id)
            pipe.hmget("ti:inbox:swept", entry_ids)
            if beside is not None:
                beside.ask(pipe)
            found_all = pipe.execute()
        if beside is not None:
            beside.hear(found_all.pop())
        *answers, swept = found_all
        return [
            Entry(
                entry_id,
                [_callback(name, body, entry_id) for name, body in found[0][1].items()],
                int(about.rpartition(b" ")[2]) if about else 0,
            )
            for entry_id, found, about in zip(entry_ids, answers, swept, strict=True)
            if found
        ]

    def begin(self, origin: str) -> int:
        """Notes that a suspect callback is about to be read; how often that was begun and not ended, this time included."""
        return int(self._client.hincrby("ti:inbox:suspects", origin, 1))

    def end(self, origin: str) -> None:
        """Notes that it was survived."""
        self._client.hdel("ti:inbox:suspects", origin)

    def finish(self, entry_ids: Sequence[str]) -> None:
        """Forgets the entries. To be called only when all they held is recorded."""
        if entry_ids:
            _FINISH.run(self._client, *entry_ids)

    def sight(self) -> Sight:
        """Where it stands now."""
        newest, finished, *numbers = _SIGHT.run(self._client)
        return Sight(newest.decode(), finished.decode(), *numbers)

    def lost(
        self, *, overtaken: str, idle_since: str | None, unqueued: str, grace: float, begin: str, most: int
    ) -> tuple[list[str], str]:
        """Ids of entries to publish again, oldest first, each noted as published again now; and where to begin the next time.

        Those older than `overtaken`; and those up to `unqueued`, of which none was queued at some moment; and, where nothing
        is queued now, those up to `idle_since`. Not those that were published again and may still be queued: since then no
        entry newer than that moment has been finished, nor, where nothing is queued, have `grace` seconds gone by. Looks at
        about `most` entries; `begin` is BEGIN for the oldest.
        """
        found: list[str] = []
        for _ in range(0, most, STEP):
            answer = _LOST.run(self._client, overtaken, idle_since or NONE, unqueued, int(grace * 1000), begin, STEP)
            begin, *ids = (part.decode() for part in answer)
            found += ids
            if begin == BEGIN:
                break
        return found, begin
