"""Ingest: inbox entries become events, renditions and dead letters, whole groups at a time.

Every step may be cut short at any instant and done again: recording knows where an event came from, handing renditions on is
at-least-once, and an entry is forgotten last.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence

import redis
from celery import Celery

from schemas.decoding import Place
from schemas.encoding import encode
from schemas.event import Rendition, TranscodeEvent
from schemas.matching import deliveries
from schemas.pull.v2 import event_content
from schemas.pull.v3 import few_fields
from schemas.reading import NotUnderstood, read_callback
from schemas.settings import Settings
from schemas.sources import SOURCES
from schemas.times import iso_time
from workers import journal
from workers.celery import INGEST
from workers.log_format import printable
from workers.queues.dead_letters import DeadLetter, DeadLetters
from workers.queues.events import Events, Recordable
from workers.queues.inbox import Callback, Entry, Inbox
from workers.queues.renditions import RenditionExchange
from workers.queues.subscriptions import KnownSubscriptions
from workers.store import connect
from workers.tracing import Attributes, Tracing
from workers.watchdog import Watchdog

#: How many inbox entries are worked on in one round.
ROUND = 8
#: Seconds a store command of a worker may take. Long, because nobody waits for it and giving up means doing it again.
STORE_TIMEOUT = 20.0
#: How often an entry may be lost before its callbacks are read with a note of which one is being read.
SUSPICIOUS_AFTER = 3
#: How often an entry may be lost before a callback in it that the store refuses is a dead letter.
HOPELESS_AFTER = 10
#: Refusals that say nothing about the callback.
STORE_STATE = (redis.OutOfMemoryError, redis.ReadOnlyError)
#: How many workers a callback may end before it is a dead letter.
MOST_DEATHS = 2

log = logging.getLogger(__name__)


class Ingest:
    """What one worker process needs to take entries from the inbox to their end."""

    def __init__(
        self,
        settings: Settings,
        celery: Celery,
        deliver: Callable[[], object] = lambda: None,
        traced: Tracing | None = None,
    ) -> None:
        """`deliver` is called when there is something for subscriptions; `traced` is told of every callback."""
        self._traced = traced
        client = connect(settings.redis_url, timeout=STORE_TIMEOUT)
        self._inbox = Inbox(client)
        self._known = KnownSubscriptions(client)
        self._deliver = deliver
        self._events = Events.of(settings, client)
        self._dead_letters = DeadLetters(client)
        self._exchange = RenditionExchange(celery)
        self._zego_secret = settings.zego_callback_secret

    def run(self, entry_ids: Sequence[str]) -> None:
        """Works through the entries, a round at a time. Entries already finished by someone else are passed over.

        Raises the first thing that kept an entry from being recorded, after all others have had their turn; that entry stays in
        the inbox.
        """
        failures: list[Exception] = []
        for start in range(0, len(entry_ids), ROUND):
            some = entry_ids[start : start + ROUND]
            try:
                failures += self._round(self._inbox.take(some, self._known))
            except redis.ConnectionError:
                # Most likely a connection from before the store was restarted; there is no harm in doing it again.
                failures += self._round(self._inbox.take(some, self._known))
        if failures:
            raise failures[0]

    def _round(self, entries: Sequence[Entry]) -> list[Exception]:
        """Takes entries to their end; what kept any of them from it. Raises what hits them all alike."""
        recordables: list[Recordable] = []
        letters: list[DeadLetter] = []
        for entry in entries:
            understand = self._understand_carefully if entry.times_lost >= SUSPICIOUS_AFTER else self.understand
            for position, callback in enumerate(entry.callbacks):
                began = time.time() if self._traced else 0.0
                understood = understand(callback, origin_of(entry, position))
                if self._traced:
                    self._trace_reading(self._traced, understood, began)
                if isinstance(understood, DeadLetter):
                    letters.append(understood)
                else:
                    recordables.append(understood)

        began = time.time()
        recorded = self._events.record(recordables)
        if self._traced:
            self._trace_recording(self._traced, recordables, recorded, began)
        if any(recordable.deliveries for recordable in recordables):
            self._deliver()
        self._give_up(entries, recordables, recorded, letters)
        refused = self._dead_letters.add(letters)
        journal.tell(recordables, recorded, letters, refused)
        self._exchange.publish(_handed_on(recordables, recorded))
        origins = [recordable.origin for recordable in recordables] + [letter.origin for letter in letters]
        failed = {
            entry_of(origin): answer
            for origin, answer in zip(origins, [*recorded, *refused], strict=True)
            if isinstance(answer, Exception)
        }
        # Were the whole round left in the inbox, one entry that can never be recorded would hold up all those behind it.
        self._inbox.finish([entry.id for entry in entries if entry.id not in failed])
        return list(failed.values())

    @staticmethod
    def _trace_reading(traced: Tracing, understood: Recordable | DeadLetter, began: float) -> None:
        if isinstance(understood, DeadLetter):
            about: Attributes = {
                "transcode_inbox.source": understood.source,
                "transcode_inbox.dead_letter": understood.id,
            }
            failed = f"{understood.reason}: {printable(understood.message)}"
        else:
            event = understood.event
            about = {"transcode_inbox.source": event["source"], "transcode_inbox.event": event["id"]}
            failed = ""
        traced.span("understand", understood.origin, began, time.time(), about, failed=failed)

    @staticmethod
    def _trace_recording(
        traced: Tracing,
        recordables: Sequence[Recordable],
        recorded: Sequence[list[Rendition] | Exception | None],
        began: float,
    ) -> None:
        now = time.time()
        for recordable, answer in zip(recordables, recorded, strict=True):
            event, failed = recordable.event, type(answer).__name__ if isinstance(answer, Exception) else ""
            about: Attributes = {
                "transcode_inbox.event": event["id"],
                "transcode_inbox.type": printable(event["type"]),
                "transcode_inbox.duplicate": answer is None,
                "transcode_inbox.renditions": len(answer) if isinstance(answer, list) else 0,
            }
            traced.span("record", recordable.origin, began, now, about, failed=failed)

    @staticmethod
    def _give_up(
        entries: Sequence[Entry],
        recordables: Sequence[Recordable],
        recorded: list[list[Rendition] | Exception | None],
        letters: list[DeadLetter],
    ) -> None:
        """Makes dead letters of what the store has refused HOPELESS_AFTER times, for a reason that is not the store's state.

        If it refuses the dead letter too, everything stays as it is.
        """
        hopeless = {entry.id: entry for entry in entries if entry.times_lost >= HOPELESS_AFTER}
        for number, recordable in enumerate(recordables):
            answer = recorded[number]
            entry_id, _, position = recordable.origin.partition("/")
            if entry_id in hopeless and isinstance(answer, redis.ResponseError) and not isinstance(answer, STORE_STATE):
                callback = hopeless[entry_id].callbacks[int(position)]
                letters.append(_letter(callback, "internal", f"it could not be recorded: {answer}", recordable.origin))
                recorded[number] = None

    def _understand_carefully(self, callback: Callback, origin: str) -> Recordable | DeadLetter:
        """As `understand`, for an entry that was lost so often that one of its callbacks may be what ends the workers."""
        begun = self._inbox.begin(origin)
        if begun > MOST_DEATHS:
            understood: Recordable | DeadLetter = _letter(
                callback, "internal", f"{begun - 1} workers ended while they read it", origin
            )
        else:
            understood = self.understand(callback, origin)
        self._inbox.end(origin)
        return understood

    def understand(self, callback: Callback, origin: str) -> Recordable | DeadLetter:
        """The event that the callback is, or the dead letter that it becomes. Never raises: a bad neighbour costs nothing."""
        try:
            event = read_callback(
                callback.source,
                callback.body,
                received_at=iso_time(callback.received or 0),
                zego_secret=self._zego_secret,
                check_signature=callback.check_signature,
            )
            content = event_content(event)
            # VOD's own leave just as they came, unless that was in an encoding the pull API does not speak.
            as_it_came = content is event["raw"] and json.detect_encoding(callback.body) == "utf-8"
            return Recordable(
                event=event,
                body=callback.body,
                origin=origin,
                v2=callback.body if as_it_came else encode(content),
                v3=few_fields(event),
                accumulates=SOURCES[callback.source].renditions_accumulate,
                deliveries=deliveries(self._known.enabled, event),
            )
        except NotUnderstood as error:
            return _letter(callback, error.reason, error.message, origin, error.place)
        except Exception as error:
            log.exception("could not read a callback of %s (inbox %s)", callback.source, origin)
            return _letter(callback, "internal", f"{type(error).__name__}: {error}", origin)


def origin_of(entry: Entry, position: int) -> str:
    """Where a callback was in the inbox: what is recorded with an event, so that doing it again is no duplicate."""
    return f"{entry.id}/{position}"


def entry_of(origin: str) -> str:
    """The id of the entry that an origin names."""
    return origin.partition("/")[0]


def _handed_on(
    recordables: Sequence[Recordable], recorded: Sequence[list[Rendition] | Exception | None]
) -> Iterator[tuple[TranscodeEvent, list[Rendition]]]:
    for recordable, renditions in zip(recordables, recorded, strict=True):
        if renditions and not isinstance(renditions, Exception):
            yield recordable.event, renditions


def _letter(callback: Callback, reason: str, message: str, origin: str, place: Place | None = None) -> DeadLetter:
    return DeadLetter(callback.source, callback.body, reason, message, callback.received or 0, origin, place)


def register(
    celery: Celery,
    settings: Settings,
    watchdog: Watchdog,
    deliver: Callable[[], object],
    traced: Tracing | None = None,
) -> None:
    """Makes `ingest` a task of the application, which calls `deliver` when there is something for subscriptions.

    The store is connected to when the first message comes.
    """
    ingest: Ingest | None = None

    @celery.task(name=INGEST)
    def run(entry_ids: list[str]) -> None:
        nonlocal ingest
        watchdog.begun()
        try:
            if ingest is None:
                ingest = Ingest(settings, celery, deliver, traced)
            ingest.run(entry_ids)
        finally:
            watchdog.finished()
