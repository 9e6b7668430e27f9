"""What the version before kept, brought to the form of this one, so that an upgrade loses nothing.

That version kept an event as a hash, and had other indexes. While this goes on callbacks are taken and pulled events are
handed out and confirmed as ever: `kept.lua`, `pull.lua` and `confirm.lua` know the old form well enough. Lists and
stories of events that are not there yet have to wait.

The indexes take events in their order, so nothing new may be recorded before this is done: every worker and clock does
it before anything else. Each step does nothing where it was done already, so any number may do it at once.
"""

import json
import logging
import time

import redis

from workers.queues.compact import compact
from workers.queues.events import joined, references_of
from workers.queues.script import Argument, Script
from workers.queues.shapes import MOST, shape_of
from workers.store import Store

#: Events in one round trip.
STEP = 100
#: Seconds after which it is tried again while the store does not answer.
RETRY_EVERY = 1.0

_UPGRADE = Script("upgrade")

log = logging.getLogger(__name__)


class Upgrade:
    """Brings what the version before kept in a store to today's form."""

    def __init__(self, client: Store) -> None:
        self._client = client
        self._is_done = False

    def run_when_possible(self) -> None:
        """Returns when it is done, however long the store does not answer."""
        while not self._is_done:
            try:
                self.run()
            except redis.RedisError as error:
                log.warning("upgrade: %s: %s; tried again in %g s", type(error).__name__, error, RETRY_EVERY)
                time.sleep(RETRY_EVERY)

    def run(self) -> int:
        """Does it, once; of how many events. Only looks where there is nothing to do. Raises what redis raises."""
        count, after = 0, "-"
        while not self._is_done:
            entries = self._client.xrange("ti:events", after, count=STEP)
            old = [(entry, fields[b"id"]) for entry, fields in entries if b"shape" not in fields]
            if old:
                converted = _convert(self._client, old)
                if converted and not count:
                    log.info("events of the version before are being brought to today's form")
                count += converted
                after = f"({entries[-1][0].decode()}"
            # All that is new stands behind all that is old.
            self._is_done = len(old) < STEP
        if count:
            # The other list of that version; this one's are made of events.
            self._client.unlink("ti:renditions")
            log.info("%d events of the version before were brought to today's form", count)
        return count


def _convert(client: Store, old: list[tuple[bytes, bytes]]) -> int:
    with client.pipeline(transaction=False) as pipe:
        for _, event_id in old:
            pipe.hmget(f"ti:event:{event_id.decode()}", "document", "raw", "queues", "own")
        kept = pipe.execute(raise_on_error=False)
    calls = []
    for one, values in zip(old, kept, strict=True):
        # Where it is no hash any more, that is done already.
        if isinstance(values, list) and values[0] is not None:
            try:
                calls.append(_arguments(*one, *values))
            except (ValueError, TypeError, KeyError) as error:
                log.error(
                    "%s, of the version before, stays unreadable: %s: %s", one[1].decode(), type(error).__name__, error
                )
    answers = _UPGRADE.run_each(client, calls)
    for answer in answers:
        # One that cannot be read must not keep all others waiting.
        if isinstance(answer, redis.ResponseError) and not isinstance(
            answer, redis.OutOfMemoryError | redis.ReadOnlyError
        ):
            log.error("an event of the version before stays unreadable: %s", answer)
        elif isinstance(answer, Exception):
            raise answer
    return answers.count(1)


def _arguments(
    entry: bytes, event_id: bytes, document: bytes, raw: bytes, queues: bytes, own: bytes | None
) -> list[Argument]:
    event = json.loads(document)
    shape = shape_of(event)
    return [
        event_id,
        entry,
        joined(json.loads(queues)),
        "*" if own is None else own or "-",
        compact(document, raw),
        shape.fine,
        shape.coarse,
        MOST,
        *references_of(event, shape),
    ]
