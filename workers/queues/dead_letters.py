"""Dead letters: what could not be understood or not be delivered, kept whole, with the reason, until an operator decides.

Two sorts: `callback`, which could not be understood, and `delivery`, which no subscription's destination took. The keys are
documented in `dead_letter.lua`.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from schemas.times import iso_time
from workers.queues.dead_letter_parts import CALLBACK, DELIVERY, Parts, Place, Wanted
from workers.queues.listing import BadCursor, Page
from workers.queues.script import Argument, Script
from workers.store import Store

#: How many dead letters a page may hold in bytes of bodies, once it holds one.
PAGE_BYTES = 4 * 1024 * 1024
#: Letters, and bytes of their bodies, that go back into the inbox as one entry: what callbacks that come together may be.
GROUP, GROUP_BYTES = 64, 2 * 1024 * 1024
#: Letters discarded in one atomic step: about a millisecond of the store's time.
STEP = 50

_ADD = Script("dead_letter_add")
_IMPORT = Script("dead_letter_import")
_REPLAY = Script("dead_letter_replay")
_DISCARD = Script("dead_letter_discard")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A callback that could not be understood, and why."""

    source: str
    body: bytes
    #: `malformed_json`, `invalid`, `signature`, `unreadable`; `internal` where the fault is ours
    reason: str
    #: a sentence that says what and where
    message: str
    #: milliseconds since the epoch
    received: int
    #: the inbox entry and the position in it
    origin: str
    #: where the body is broken, as `schemas.decoding.NotUnderstood` says it
    place: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """The same bytes from the same source are the same dead letter."""
        return callback_id(self.source, self.body)


class CannotReplay(Exception):
    """The letter stays where it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some of the letters that a filter means."""

    #: how many were replayed, or discarded
    done: int
    #: why others were passed over, by id
    refused: dict[str, str]
    #: how many there are still to come, of those that were there at the beginning
    left: int
    #: what to go on with; None at the end
    before: str | None
    #: inbox entries to announce
    entries: list[str]


class DeadLetters:
    """The dead letters of one store."""

    def __init__(self, client: Store, *, put_back: Callable[[str], str | None] | None = None) -> None:
        """`put_back` makes a delivery due again, of a letter's id: None, or why it cannot be."""
        self._client = client
        self._put_back = put_back

    def add(self, letters: Sequence[DeadLetter]) -> list[Exception | None]:
        """Keeps each by itself; for each, None or why it could not be kept."""
        calls = [
            (
                letter.id,
                letter.source,
                letter.reason,
                letter.message.encode("utf-8", "replace"),
                json.dumps(letter.place) if letter.place else "",
                letter.received,
                letter.body,
                letter.origin,
            )
            for letter in letters
        ]
        answers = _ADD.run_each(self._client, calls)
        return [answer if isinstance(answer, Exception) else None for answer in answers]

    def bring_back(self, letters: Sequence[Mapping[str, Any]]) -> int:
        """Keeps letters that were exported, as `schemas.dead_letter` loads them; how many were not here.

        One that is here already stays as it is.
        """
        answers = _IMPORT.run_each(self._client, [_import_arguments(letter) for letter in letters])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return sum(map(int, answers))

    def find(self, letter_id: str) -> dict[str, Any] | None:
        """The dead letter with its body, as text (`raw`) and to the byte (`raw_base64`), or None."""
        return next(self._read([letter_id]))

    def list(self, *, limit: int, cursor: str | None = None, **wanted: Unpack[Wanted]) -> Page:
        """Dead letters that match, newest first: the newest arrival, or by receipt where `since` or `until` are given.

        Costs the same however many do not match. Raises BadCursor.
        """
        parts = Parts(self._client, wanted)
        found = parts.newest(limit + 1, before=parts.position(cursor) if cursor else None)
        places = self._within(PAGE_BYTES, found[:limit])
        items = [letter for letter in self._read([place.id for place in places]) if letter is not None]
        return Page(items, _cursor(places[-1].order) if len(places) < len(found) else None)

    def count(self, **wanted: Unpack[Wanted]) -> int:
        """How many match."""
        return Parts(self._client, wanted).count()

    def replay(self, letter_id: str, *, force: bool = False, body: bytes = b"") -> str | None:
        """Tries it again, in one step: None for no such letter, else the new inbox entry's id, '' if it needs none.

        A callback's body goes back into the inbox as it came, or `body` in its place, with the time it first came; `force` lets
        it pass without the signature check. The caller publishes the entry; else the sweep does. A delivery becomes due again.
        Raises CannotReplay.
        """
        sort = self._sorts([letter_id])[0]
        if sort == DELIVERY:
            self._deliver_again(letter_id, body)
            return ""
        entry, moved = _REPLAY.run(self._client, "force" if force else "", body, letter_id)
        return bytes(entry).decode() if moved else None

    def replay_some(
        self, *, limit: int, before: str | None = None, force: bool = False, **wanted: Unpack[Wanted]
    ) -> Batch:
        """Tries at most `limit` of the letters that match again, oldest first, many in one inbox entry.

        Only those that are there when it begins: `before` is what the batch before gave, so letters that come back at once are
        not tried for ever. Each is in the inbox or still a letter, whatever happens. Raises BadCursor.
        """
        places, left, token = self._batch(limit, before, wanted)
        done, entries, refused, callbacks = 0, [], {}, []
        for place, sort in zip(places, self._sorts([place.id for place in places]), strict=True):
            if sort == CALLBACK:
                callbacks.append(place)
            elif sort == DELIVERY:
                try:
                    self._deliver_again(place.id)
                    done += 1
                except CannotReplay as error:
                    refused[place.id] = str(error)
        while callbacks:
            group = self._within(GROUP_BYTES, callbacks[:GROUP])
            del callbacks[: len(group)]
            entry, moved = _REPLAY.run(self._client, "force" if force else "", "", *(place.id for place in group))
            done += moved
            if moved:
                entries.append(bytes(entry).decode())
        return Batch(done, refused, left, token, entries)

    def discard(self, letter_id: str) -> bool:
        """Forgets it for good. False for no such letter."""
        return bool(_DISCARD.run(self._client, letter_id))

    def discard_some(self, *, limit: int, before: str | None = None, **wanted: Unpack[Wanted]) -> Batch:
        """Forgets at most `limit` of the letters that match for good, oldest first; `before` as in `replay_some`."""
        places, left, token = self._batch(limit, before, wanted)
        done = 0
        for start in range(0, len(places), STEP):
            done += _DISCARD.run(self._client, *(place.id for place in places[start : start + STEP]))
        return Batch(done, {}, left, token, [])

    def _batch(self, limit: int, before: str | None, wanted: Wanted) -> tuple[Sequence[Place], int, str | None]:
        """The next letters, how many are left behind them, and the `before` of the next batch."""
        parts = Parts(self._client, wanted)
        if before is None:
            up_to, after = int(self._client.get("ti:dead:last") or 0), None
        elif match := re.fullmatch(r"([0-9]{1,20})\.([0-9-]{1,50})", before, re.ASCII):
            up_to, after = int(match[1]), parts.position(match[2])
        else:
            raise BadCursor(f"{before[:40]!r} is no `before` that was handed out")
        places = parts.oldest(limit, after=after, up_to=up_to)
        # In order of receipt those are counted too that came back; but they do not come again, and so there is an end.
        left = parts.count(after=places[-1].order, up_to=up_to) if len(places) == limit else 0
        return places, left, f"{up_to}.{_cursor(places[-1].order)}" if left else None

    def _within(self, most: int, places: Sequence[Place]) -> Sequence[Place]:
        """The first of them, one at least, whose bodies have at most so many bytes together."""
        with self._client.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.hstrlen(f"ti:dead:{place.id}", "body")
            sizes = pipe.execute()
        total = 0
        for number, size in enumerate(sizes):
            total += size
            if number and total > most:
                return places[:number]
        return places

    def _sorts(self, letter_ids: Sequence[str]) -> Sequence[str | None]:
        """The sort of each; None where there is no such letter."""
        with self._client.pipeline(transaction=False) as pipe:
            for letter_id in letter_ids:
                pipe.hmget(_key(letter_id), "source", "subscription")
            found = pipe.execute()
        return [None if source is None else DELIVERY if subscription else CALLBACK for source, subscription in found]

    def _deliver_again(self, letter_id: str, body: bytes = b"") -> None:
        if body:
            raise CannotReplay("What is sent to a subscription cannot be given another body.")
        if self._put_back is None:
            raise CannotReplay("Nothing here delivers to subscriptions.")
        if problem := self._put_back(letter_id):
            raise CannotReplay(problem)

    def _read(self, letter_ids: Sequence[str]) -> Iterator[dict[str, Any] | None]:
        with self._client.pipeline(transaction=False) as pipe:
            for letter_id in letter_ids:
                pipe.hgetall(_key(letter_id))
            for letter_id, fields in zip(letter_ids, pipe.execute(), strict=True):
                yield _letter(letter_id, fields) if fields else None


def callback_id(source: str, body: bytes) -> str:
    """The id of the letter that a callback's body is, if it is one."""
    return f"{source}:{hashlib.blake2b(body, digest_size=16).hexdigest()}"


def _key(letter_id: str) -> str:
    """Ids have a colon; `ti:dead:last` is no letter."""
    return f"ti:dead:{letter_id}" if ":" in letter_id else "ti:nothing"


def _cursor(order: tuple[int, ...]) -> str:
    return "-".join(map(str, order))


def _import_arguments(letter: Mapping[str, Any]) -> list[Argument]:
    body = letter["body"]
    fields: dict[str, Any] = {
        "source": letter["source"],
        "reason": letter["reason"],
        "message": letter["message"].encode("utf-8", "replace"),
        "place": json.dumps(letter["place"]) if letter["place"] else "",
        "received": letter["received"],
        "failed": letter["failed"],
        "body": body,
        "origin": "imported",
        "subscription": letter["subscription"] or "",
        "url": letter["url"] or "",
        "event": letter["event"] or "",
        "rendition": letter["rendition"] or "",
    }
    letter_id = letter["id"] if letter["subscription"] else callback_id(letter["source"], body)
    arguments: list[Argument] = [letter_id, letter["times"]]
    for name, value in fields.items():
        if value != "" or name == "body":
            arguments += (name, value)
    return arguments


def _letter(letter_id: str, fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    def text(name: bytes) -> str | None:
        value = fields.get(name)
        return value.decode("utf-8", "replace") if value else None

    body = fields[b"body"]
    place = fields.get(b"place")
    return {
        "id": letter_id,
        "sort": DELIVERY if fields.get(b"subscription") else CALLBACK,
        "source": text(b"source"),
        "reason": text(b"reason"),
        "message": text(b"message") or "",
        "place": json.loads(place) if place else None,
        "received_at": iso_time(int(fields[b"received"])),
        "failed_at": iso_time(int(fields[b"failed"])),
        "times": int(fields[b"times"]),
        "size": len(body),
        "subscription": text(b"subscription"),
        "url": text(b"url"),
        "event_id": text(b"event"),
        "rendition_id": text(b"rendition"),
        "raw": body.decode("utf-8", "replace"),
        "raw_base64": base64.b64encode(body).decode(),
    }
