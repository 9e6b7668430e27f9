"""Events and their renditions: recorded once, in one atomic step, and found again by id.

The keys are documented in `record.lua`.
"""

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from schemas.encoding import encode
from schemas.event import Rendition, TranscodeEvent
from schemas.settings import Settings
from schemas.times import iso_time
from workers.queues.compact import compact
from workers.queues.kept import Kept, read_kept
from workers.queues.pull import HOLD_MS
from workers.queues.references import reference
from workers.queues.script import Argument, Script
from workers.queues.shapes import MOST, shape_of
from workers.store import Store

DAY_MS = 24 * 60 * 60 * 1000

_RECORD = Script("record")


@dataclass(frozen=True, slots=True)
class Recordable:
    """An event and what is written with it."""

    event: TranscodeEvent
    #: the body as it came
    body: bytes
    #: the inbox entry and the position in it: the same origin recorded twice is no duplicate
    origin: str
    #: what PullEvent answers for it
    v2: bytes
    #: what PullEvents answers for it
    v3: bytes
    #: do later callbacks of the same task add to its renditions?
    accumulates: bool


class Events:
    """The events of one store."""

    def __init__(self, client: Store, *, pull_queues: Sequence[str], dedup_days: float, retention_days: float) -> None:
        self._client = client
        self._queues = list(pull_queues)
        self._dedup = int(dedup_days * DAY_MS)
        self._retention = int(retention_days * DAY_MS)
        self._by = f"{socket.gethostname()}:{os.getpid()}"

    @classmethod
    def of(cls, settings: Settings, client: Store) -> Self:
        """Those of an installation with these settings."""
        return cls(
            client,
            pull_queues=settings.pull_queues,
            dedup_days=settings.dedup_days,
            retention_days=settings.retention_days,
        )

    def record(self, recordables: Sequence[Recordable]) -> list[list[Rendition] | Exception | None]:
        """Records each by itself; for each, the renditions to hand on, None for a duplicate, or why it could not be written.

        The same origin asked again gets the same renditions again, so that handing on can be repeated after a crash.
        """
        answers = _RECORD.run_each(self._client, [self._arguments(recordable) for recordable in recordables])
        return [
            answer
            if answer is None or isinstance(answer, Exception)
            else [recordable.event["renditions"][number] for number in answer]
            for recordable, answer in zip(recordables, answers, strict=True)
        ]

    def _arguments(self, recordable: Recordable) -> list[Argument]:
        event = recordable.event
        task, media = event["task_id"], event["media_id"]
        task_accumulating = task if recordable.accumulates and task else ""
        shape = shape_of(event)
        document = {key: value for key, value in event.items() if key != "raw"}
        arguments: list[Argument] = [
            recordable.origin,
            self._dedup,
            self._retention,
            event["id"],
            event["source"],
            event["type"],
            self._by,
            compact(encode(document), recordable.body),
            recordable.v2,
            recordable.v3,
            task_accumulating,
            shape.fine,
            shape.coarse,
            MOST,
            _joined(reference(one) for one in dict.fromkeys((task, media)) if one),
            _joined(reference(name) for name in shape.names if name not in (task, media)),
            _joined(self._queues),
            len(event["renditions"]),
        ]
        if task_accumulating:
            for rendition in event["renditions"]:
                arguments += (rendition["kind"], rendition["name"])
        return arguments

    def find(self, event_id: str) -> dict[str, Any] | None:
        """The event with its raw body and its history, or None.

        The history is a list of steps, oldest first: `at` (UTC), `what` (received, recorded, duplicate, pulled, expired,
        confirmed), and where it applies `queue` and `count`.
        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.get(f"ti:event:{event_id}")
            pipe.hmget("ti:time", "wall", "now")
            value, (wall, now) = pipe.execute()
        if value is None:
            return None
        kept = read_kept(value)
        event = kept.event()
        steps = [
            {"at": event["received_at"], "what": "received"},
            {"at": iso_time(kept.recorded), "what": "recorded"},
        ]
        for what, *about in kept.notes:
            if what == "again":
                steps.append({"at": iso_time(int(about[1])), "what": "duplicate", "count": int(about[0])})
        for queue in kept.queues:
            steps += self._pulls(queue, kept, int(wall) - int(now))
        history = sorted(steps, key=lambda step: str(step["at"]))
        return {**event, "raw_body": kept.body.decode("utf-8", "replace"), "history": history}

    def _pulls(self, queue: str, kept: Kept, ahead: int) -> list[dict[str, Any]]:
        """What is known of an event's way through a pull queue. `ahead` is by how many ms the clock is ahead of queue time."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(f"ti:pull:{queue}:confirmed", kept.copy)
            pipe.hget(f"ti:pull:{queue}:expired", kept.copy)
            pipe.zscore(f"ti:pull:{queue}:held", kept.copy)
            confirmed, expired, ends = pipe.execute()
        confirmed = confirmed.decode().split("|") if confirmed else kept.note("confirmed", queue)
        expired = [expired] if expired else kept.note("expired", queue)
        if confirmed:
            ends = confirmed[0]
        steps: list[dict[str, Any]] = []
        if ends:
            steps.append({"at": iso_time(int(ends) - HOLD_MS + ahead), "what": "pulled", "queue": queue})
        if confirmed:
            steps.append({"at": iso_time(int(confirmed[1])), "what": "confirmed", "queue": queue})
        if expired and steps:
            steps.insert(0, {**steps[0], "what": "expired", "count": int(expired[0])})
        return steps


def _joined(words: Iterable[str]) -> str:
    """A list as `record.lua` reads it."""
    return ",".join(words) or "-"
