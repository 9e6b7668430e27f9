"""Lists of events and renditions, newest first, a page at a time.

A page ends early, with a cursor to go on from, when matches are rare (SCAN_LIMIT) or big (PAGE_BYTES): no question a caller can
ask holds the store up.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import redis

from workers.queues.events import read_event
from workers.store import Store

#: How many index entries are read in one round trip.
SCAN = 500
#: How many index entries one page may look at.
SCAN_LIMIT = 50_000
#: Bytes of documents and raw bodies one page may hold, once it holds anything.
PAGE_BYTES = 4 * 1024 * 1024


class Page(NamedTuple):
    """Some of a list, newest first, and the cursor for what follows: None at its end."""

    items: list[Any]
    next: str | None


class BadCursor(ValueError):
    """The cursor is none that a list has handed out."""


class _Candidate(NamedTuple):
    """A place in a list: the cursor that resumes behind it, and what matches there, if anything, with its weight in bytes."""

    cursor: str
    item: Any = None
    weight: int = 0


class Listing:
    """The lists of one store."""

    def __init__(self, client: Store) -> None:
        self._client = client

    def events(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        source: str | None = None,
        media_id: str | None = None,
        task_id: str | None = None,
        type: str | None = None,  # noqa: A002 -- the name the query string has
        status: str | None = None,
    ) -> Page:
        """Whole events that match everything given. Raises BadCursor."""
        wanted = _given(source=source, type=type, status=status, media_id=media_id, task_id=task_id)
        reference = media_id or task_id
        places = self._index("ti:events", cursor) if reference is None else self._referring(reference, cursor)

        def candidates() -> Iterator[_Candidate]:
            for place, fields in places:
                if not all(fields.get(name, value) == value for name, value in wanted.items()):
                    yield _Candidate(place)
                    continue
                document, raw = self._client.hmget(f"ti:event:{fields['id']}", "document", "raw")
                if document is None or raw is None or not _matches(event := read_event(document, raw), wanted):
                    yield _Candidate(place)
                else:
                    yield _Candidate(place, event, len(document) + len(raw))

        return _page(candidates(), limit)

    def renditions(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        media_id: str | None = None,
        kind: str | None = None,
        name: str | None = None,
    ) -> Page:
        """Renditions that match everything given, each with its `event_id`, `source`, `task_id`, `media_id`. Raises BadCursor."""
        wanted = _given(kind=kind, name=name)
        if media_id is None:
            return _page(self._all_renditions(cursor, wanted), limit)
        return _page(self._renditions_of(media_id, cursor, wanted), limit)

    def _all_renditions(self, cursor: str | None, wanted: Mapping[str, str]) -> Iterator[_Candidate]:
        for place, fields in self._index("ti:renditions", cursor):
            document = None
            if _matches(fields, wanted):
                document = self._client.hget(f"ti:event:{fields['event']}", "document")
            if document is None:
                yield _Candidate(place)
            else:
                yield _Candidate(place, _rendition(json.loads(document), int(fields["number"])), len(document))

    def _renditions_of(self, media_id: str, cursor: str | None, wanted: Mapping[str, str]) -> Iterator[_Candidate]:
        """Cursors here are `<event's place>.<number>`, since one event stands for several renditions."""
        place_given, _, number_given = (cursor or "").partition(".")
        if cursor and not number_given.isdigit():
            raise BadCursor(f"{cursor!r} is no cursor of this list")
        for place, fields in self._referring(media_id, place_given or None, inclusive=True):
            document, own = self._client.hmget(f"ti:event:{fields['id']}", "document", "own")
            if document is None or (event := json.loads(document))["media_id"] != media_id:
                continue
            numbers = range(len(event["renditions"])) if own is None else [int(n) for n in own.split(b",") if n]
            for number in reversed(numbers):
                if place == place_given and number >= int(number_given):
                    continue
                matches = _matches(event["renditions"][number], wanted)
                yield _Candidate(f"{place}.{number}", _rendition(event, number) if matches else None, len(document))

    def _index(self, key: str, cursor: str | None) -> Iterator[tuple[str, dict[str, str]]]:
        """The entries of an index stream, from behind the cursor on."""
        last = f"({cursor}" if cursor else "+"
        while True:
            try:
                found = self._client.xrevrange(key, max=last, count=SCAN)
            except redis.ResponseError as error:
                raise BadCursor(f"{cursor!r} is no cursor of this list") from error
            for entry, fields in found:
                yield entry.decode(), {name.decode(): value.decode() for name, value in fields.items()}
            if len(found) < SCAN:
                return
            last = f"({found[-1][0].decode()}"

    def _referring(
        self, reference: str, cursor: str | None, *, inclusive: bool = False
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """The events of one media or task id, from the cursor on."""
        if cursor is not None and not cursor.isdigit():
            raise BadCursor(f"{cursor!r} is no cursor of this list")
        last = (cursor if inclusive else f"({cursor}") if cursor else "+inf"
        while True:
            found = self._client.zrevrangebyscore(f"ti:reference:{reference}", last, "-inf", 0, SCAN, withscores=True)
            for event_id, score in found:
                yield f"{score:.0f}", {"id": event_id.decode()}
            if len(found) < SCAN:
                return
            last = f"({found[-1][1]:.0f}"


def _page(candidates: Iterable[_Candidate], limit: int) -> Page:
    items: list[Any] = []
    size = 0
    last_given = None
    for looked_at, candidate in enumerate(candidates, 1):
        if candidate.item is not None:
            if len(items) == limit or (items and size + candidate.weight > PAGE_BYTES):
                return Page(items, last_given)
            items.append(candidate.item)
            size += candidate.weight
        last_given = candidate.cursor
        if looked_at == SCAN_LIMIT:
            return Page(items, last_given)
    return Page(items, None)


def _rendition(event: Mapping[str, Any], number: int) -> dict[str, Any]:
    about = {
        "event_id": event["id"],
        "source": event["source"],
        "task_id": event["task_id"],
        "media_id": event["media_id"],
    }
    return {**event["renditions"][number], **about}


def _given(**filters: str | None) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _matches(item: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(item[name] == value for name, value in wanted.items())
