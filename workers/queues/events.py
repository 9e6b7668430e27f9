"""Events and their renditions: recorded once, in one atomic step, and found again by id.

The keys are documented in `record.lua`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.encoding import encode
from schemas.event import Rendition, TranscodeEvent
from schemas.reading import decode_raw
from schemas.times import iso_time
from workers.queues.pull import HOLD_MS
from workers.queues.script import Argument, Script
from workers.store import Store

DAY_MS = 24 * 60 * 60 * 1000

#: Instead of a second copy of the body.
AS_IT_CAME = b"="

_RECORD = Script("record")


@dataclass(frozen=True, slots=True)
class Recordable:
    """An event and what is written with it."""

    event: TranscodeEvent
    #: the body as it came
    body: bytes
    #: the inbox entry and the position in it: the same origin recorded twice is no duplicate
    origin: str
    #: what PullEvent answers for it; AS_IT_CAME where that is the body itself
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
        references = [reference for reference in dict.fromkeys((task, media)) if reference]
        document = {key: value for key, value in event.items() if key != "raw"}
        arguments: list[Argument] = [
            recordable.origin,
            self._dedup,
            self._retention,
            event["id"],
            event["source"],
            event["type"],
            event["status"],
            encode(document),
            recordable.body,
            recordable.v2,
            recordable.v3,
            task if recordable.accumulates and task else "",
            len(references),
            *references,
            len(self._queues),
            *self._queues,
        ]
        for rendition in event["renditions"]:
            arguments += (rendition["kind"], rendition["name"])
        return arguments

    def find(self, event_id: str) -> dict[str, Any] | None:
        """The event with its raw body and its history, or None.

        The history is a list of steps, oldest first: `at` (UTC), `what` (received, recorded, duplicate, pulled, expired,
        confirmed), and where it applies `queue` and `count`.
        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(f"ti:event:{event_id}")
            pipe.hmget("ti:time", "wall", "now")
            fields, (wall, now) = pipe.execute()
        if not fields:
            return None
        event = read_event(fields[b"document"], fields[b"raw"])
        steps = [
            {"at": event["received_at"], "what": "received"},
            {"at": iso_time(int(fields[b"recorded"])), "what": "recorded"},
        ]
        if b"duplicate" in fields:
            at = iso_time(int(fields[b"duplicate"]))
            steps.append({"at": at, "what": "duplicate", "count": int(fields[b"duplicates"])})
        copy = f"{fields[b'entry'].decode()}.{event_id}"
        for queue in json.loads(fields[b"queues"]):
            steps += self._deliveries(queue, copy, fields, int(wall) - int(now))
        history = sorted(steps, key=lambda step: str(step["at"]))
        return {**event, "raw_body": fields[b"raw"].decode("utf-8", "replace"), "history": history}

    def _deliveries(self, queue: str, copy: str, fields: dict[bytes, bytes], ahead: int) -> list[dict[str, Any]]:
        """What is known of an event's way through a pull queue. `ahead` is by how many ms the clock is ahead of queue time."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(f"ti:pull:{queue}:confirmed", copy)
            pipe.zscore(f"ti:pull:{queue}:held", copy)
            confirmed, ends = pipe.execute()
        if confirmed:
            ends, at = confirmed.split()
        steps: list[dict[str, Any]] = []
        if ends:
            steps.append({"at": iso_time(int(ends) - HOLD_MS + ahead), "what": "pulled", "queue": queue})
        if confirmed:
            steps.append({"at": iso_time(int(at)), "what": "confirmed", "queue": queue})
        expired = fields.get(f"expired:{queue}".encode())
        if expired and steps:
            steps.insert(0, {**steps[0], "what": "expired", "count": int(expired)})
        return steps


def read_event(document: bytes, raw: bytes) -> dict[str, Any]:
    """The event as it leaves, from what is kept of it."""
    event: dict[str, Any] = json.loads(document)
    event["raw"] = decode_raw(event["source"], raw)
    return event
