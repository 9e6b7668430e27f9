"""Events and their renditions: recorded once, in one atomic step, and found again by id.

The keys are documented in `record.lua`.
"""

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import quote, unquote

import orjson

from schemas.encoding import encode
from schemas.event import Rendition, TranscodeEvent
from schemas.settings import Settings
from schemas.times import iso_time, milliseconds
from workers.queues.compact import compact
from workers.queues.kept import Kept, read_kept
from workers.queues.pull import HOLD_MS
from workers.queues.references import reference
from workers.queues.script import Argument, Script
from workers.queues.shapes import MOST, Shaped, shape_of
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
    #: who is sent what of it: subscription and rendition, as `schemas.matching.deliveries` says
    deliveries: Sequence[tuple[str, int]] = ()


class Events:
    """The events of one store."""

    def __init__(self, client: Store, *, pull_queues: Sequence[str], dedup_days: float, retention_days: float) -> None:
        self._client = client
        self._queues = list(pull_queues)
        self._dedup = int(dedup_days * DAY_MS)
        self._retention = int(retention_days * DAY_MS)
        self._by = f"{quote(socket.gethostname())}:{os.getpid()}"

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
        task = event["task_id"]
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
            *references_of(event, shape),
            joined(self._queues),
            joined(str(part) for delivery in recordable.deliveries for part in delivery),
            len(event["renditions"]),
        ]
        if task_accumulating:
            for rendition in event["renditions"]:
                arguments += (rendition["kind"], rendition["name"])
        return arguments

    def of_copies(self, copies: Sequence[str], *, raw: bool) -> dict[str, TranscodeEvent]:
        """The events of those copies (`<entry in ti:events>.<event id>`) that are kept; with `raw` only where it is asked for."""
        values = self._client.mget([f"ti:event:{copy.partition('.')[2]}" for copy in copies])
        found: dict[str, TranscodeEvent] = {}
        for copy, value in zip(copies, values, strict=True):
            kept = read_kept(value) if value is not None else None
            if kept is not None and kept.entry == copy.partition(".")[0]:
                found[copy] = cast("TranscodeEvent", kept.event() if raw else orjson.loads(kept.document))
        return found

    def origins(self, event_ids: Sequence[str]) -> list[str | None]:
        """For each event where it was in the inbox, `<entry>/<position>`; None for one that is not kept."""
        with self._client.pipeline(transaction=False) as pipe:
            for event_id in event_ids:
                pipe.getrange(f"ti:event:{event_id}", 0, 63)
            return [value.decode(errors="replace").partition(" ")[0] or None for value in pipe.execute()]

    def find(self, event_id: str) -> dict[str, Any] | None:
        """The event with its raw body and its history, or None.

        The history is a list of steps, oldest first: `at` (UTC), `what` (received, recorded, duplicate, pulled, expired,
        confirmed, pushed, push failed), and where it applies `queue`, `count`, `by` (the worker that recorded it, the SecretId
        that pulled it), `after` (ms since it was received), or all that is kept of an attempt to push.
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
            {
                "at": iso_time(kept.recorded),
                "what": "recorded",
                "by": unquote(kept.by),
                "after": kept.recorded - milliseconds(event["received_at"]),
            },
        ]
        for what, *about in kept.notes:
            if what == "again":
                steps.append({"at": iso_time(int(about[1])), "what": "duplicate", "count": int(about[0])})
        steps += self._pushes(kept.copy)
        for queue in kept.queues:
            steps += self._pulls(queue, kept, int(wall) - int(now))
        history = sorted(steps, key=lambda step: str(step["at"]))
        return {**event, "raw_body": kept.body.decode("utf-8", "replace"), "history": history}

    def _pushes(self, copy: str) -> list[dict[str, Any]]:
        """The attempts to deliver it to subscriptions."""
        return [
            {"what": "push failed" if attempt["error"] else "pushed", **attempt}
            for attempt in map(orjson.loads, self._client.lrange(f"ti:attempts:{copy}", 0, -1))
        ]

    def _pulls(self, queue: str, kept: Kept, ahead: int) -> list[dict[str, Any]]:
        """What is known of an event's way through a pull queue. `ahead` is by how many ms the clock is ahead of queue time."""
        copy = kept.copy
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(f"ti:pull:{queue}:confirmed", copy)
            pipe.hget(f"ti:pull:{queue}:expired", copy)
            pipe.zscore(f"ti:pull:{queue}:held", copy)
            confirmed, expired, ends = pipe.execute()
        confirmed = confirmed.decode().split("|") if confirmed else kept.note("confirmed", queue)
        expired = [expired] if expired else kept.note("expired", queue)
        by = ""
        if confirmed:
            ends, _, *who = confirmed
            by = "".join(who)
        if ends and not by:
            calls = self._client.zrangebyscore(f"ti:pull:{queue}:calls", ends, ends)
            by = calls[0].decode().partition("|")[2] if calls else ""
        steps: list[dict[str, Any]] = []
        if ends:
            pulled = {"at": iso_time(int(ends) - HOLD_MS + ahead), "what": "pulled", "queue": queue}
            steps.append({**pulled, "by": unquote(by)} if by else pulled)
        if confirmed:
            steps.append({"at": iso_time(int(confirmed[1])), "what": "confirmed", "queue": queue})
        if expired and steps:
            steps.insert(0, {"at": steps[0]["at"], "what": "expired", "queue": queue, "count": int(expired[0])})
        return steps


def references_of(event: TranscodeEvent, shape: Shaped) -> tuple[str, str]:
    """What an event is found by as `record.lua` reads it: always, and if its shape is the coarse one."""
    ids = dict.fromkeys((event["task_id"], event["media_id"]))
    return joined(reference(one) for one in ids if one), joined(
        reference(name) for name in shape.names if name not in ids
    )


def joined(words: Iterable[str]) -> str:
    """A list as `record.lua` reads it."""
    return ",".join(words) or "-"
