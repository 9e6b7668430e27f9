"""Lists of events and renditions, newest first, a page at a time.

What a list shows is found by indexes (places.py, shapes.py, references.py) and then compared with what was asked for,
since an index may hold a little more. A cursor is the place of what was shown last, in every list of the same things:
it stays right while events come and go, and whatever the filters are. A page ends early, with a cursor to go on from,
when matches are rare among what has to be looked at (SCAN_LIMIT) or big (PAGE_BYTES): no question a caller can ask
holds the store up.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import redis

from schemas.encoding import encode
from workers.queues.kept import Kept, read_kept
from workers.queues.places import BEGINNING, END, Index, Place, Reference, Single, Source, before, merged
from workers.queues.references import reference
from workers.queues.script import Script
from workers.queues.shapes import fitting
from workers.store import Store

#: How many events are fetched in one step, and after how many bytes a step ends.
FETCH, FETCH_BYTES = 50, 1024 * 1024
#: How many events one page may look at in vain: some 50 ms, in steps of FETCH between which others have their turn.
SCAN_LIMIT = 1_000
#: Bytes of documents and raw bodies one page may hold, once it holds anything.
PAGE_BYTES = 4 * 1024 * 1024

_ROWS = Script("rows")


class Page(NamedTuple):
    """Some of a list, newest first, and the cursor for what follows: None at its end."""

    items: list[Any]
    next: str | None


class BadCursor(ValueError):
    """The cursor is none that a list has handed out."""


class _Candidate(NamedTuple):
    """A place in a list: the cursor that resumes behind it, and what matches there, if anything, with its weight in
    bytes."""

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
        type: str | None = None,  # noqa: A002 -- the name the query string has
        status: str | None = None,
        media_id: str | None = None,
        task_id: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        since: int | None = None,
        until: int | None = None,
        url: str | None = None,
        q: str | None = None,
    ) -> Page:
        """Whole events that match everything given. Raises BadCursor.

        `kind` and `name` are those of a rendition that the event has. `since` and `until` are about when it was
        recorded, both included. `url` is a part of an address of the input or of a rendition, and is searched for, a
        page's worth of events at a time. `q` is what somebody has in hand: a whole media id, task id or event id,
        else an address or path, or part of one.
        """
        newest = before(_place(cursor)) if cursor else END
        wanted = _given(source=source, type=type, status=status, media_id=media_id, task_id=task_id)
        of_renditions = _given(kind=kind, name=name)
        addresses = [] if url is None else [url]
        found = None if q is None else self._identified(q)
        if q is not None and found is None:
            addresses.append(q)
        sources = found or self._sources({**wanted, **of_renditions})
        places = merged(self._client, sources, *_between(newest, since, until))

        def fits(event: Mapping[str, Any]) -> bool:
            return (
                _matches(event, wanted)
                and (not of_renditions or any(_matches(one, of_renditions) for one in event["renditions"]))
                and (found is None or q in (event["id"], event["media_id"], event["task_id"]))
                and all(any(part in address for address in _addresses(event)) for part in addresses)
            )

        def candidates() -> Iterator[_Candidate]:
            for place, kept in self._kept(places, limit + 1):
                cursor = str(place)
                if kept is None or not all(_may_hold(kept.document, part) for part in addresses):
                    yield _Candidate(cursor)
                else:
                    event = kept.event()
                    weight = len(kept.document) + len(kept.body)
                    yield _Candidate(cursor, event, weight) if fits(event) else _Candidate(cursor)

        return _page(candidates(), limit)

    def renditions(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        source: str | None = None,
        type: str | None = None,  # noqa: A002 -- the name the query string has
        status: str | None = None,
        media_id: str | None = None,
        task_id: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        min_height: int | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> Page:
        """Renditions that match everything given, each with its `event_id`, `source`, `task_id`, `media_id`. Raises
        BadCursor.

        `source`, `type`, `status` and the ids are their event's; `since` and `until` are about when that was
        recorded. Of renditions that accumulate over a task's events each is listed once, with the event that brought
        it.
        """
        # One event stands for several renditions: cursors are `<event's place>.<number>`.
        place_given, _, number_given = (cursor or "").partition(".")
        if cursor and not (number_given.isascii() and number_given.isdigit() and len(number_given) < 10):
            raise BadCursor(f"{cursor[:50]!r} is no cursor of this list")
        newest = _place(place_given) if cursor else END
        wanted = _given(source=source, type=type, status=status, media_id=media_id, task_id=task_id)
        of_renditions = _given(kind=kind, name=name)
        places = merged(self._client, self._sources({**wanted, **of_renditions}), *_between(newest, since, until))

        def candidates() -> Iterator[_Candidate]:
            for place, kept in self._kept(places, limit + 1):
                event = json.loads(kept.document) if kept else {}
                if kept and _matches(event, wanted):
                    about = {"event_id": event["id"], **{of: event[of] for of in ("source", "task_id", "media_id")}}
                    for number in reversed(range(len(event["renditions"])) if kept.own is None else kept.own):
                        rendition = event["renditions"][number]
                        given_before = str(place) == place_given and number >= int(number_given)
                        high_enough = min_height is None or (rendition["height"] or 0) >= min_height
                        if not given_before and high_enough and _matches(rendition, of_renditions):
                            yield _Candidate(f"{place}.{number}", {**rendition, **about}, len(kept.document))
                yield _Candidate(f"{place}.0")

        return _page(candidates(), limit)

    def _sources(self, wanted: Mapping[str, str]) -> list[Source]:
        """The indexes with all events that may have what is wanted."""
        identity = wanted.get("media_id") or wanted.get("task_id")
        if identity is not None:
            return [self._referring_to(identity)]
        if not wanted:
            return [Index("ti:events")]
        fits = fitting(self._client.hgetall("ti:shapes"), wanted)
        sources: list[Source] = [Index(f"ti:shape:{number}") for number in fits.numbers]
        if fits.by_name:
            sources.append(self._referring_to(wanted["name"]))
        return sources

    def _referring_to(self, identity: str) -> Source:
        """The events that have `identity` as one of their ids, or as a name."""
        key = f"ti:reference:{reference(identity)}"
        try:
            entry = self._client.get(key)
        except redis.ResponseError:
            # It holds several, and is no string any more.
            return Reference(key)
        return Reference(key) if entry is None else Single(_place(entry.decode()))

    def _identified(self, q: str) -> list[Source] | None:
        """Where the events are that have `q` as an id of any sort; None where there are none."""
        value = self._client.get(f"ti:event:{q}")
        if value is not None:
            return [Single(_place(read_kept(value).entry))]
        return [self._referring_to(q)] if self._client.exists(f"ti:reference:{reference(q)}") else None

    def _kept(self, places: Iterable[Place], first: int) -> Iterator[tuple[Place, Kept | None]]:
        """What is kept of the event at each place; None where it is nobody's any more. Reads `first` of them, then
        more."""
        left = iter(places)
        count = first
        while some := list(itertools.islice(left, min(count, FETCH))):
            while some:
                values = _ROWS.run(self._client, FETCH_BYTES, *map(str, some))
                for place, value in zip(some, values, strict=False):
                    yield place, read_kept(value) if value else None
                some = some[len(values) :]
            count *= 2


def _between(newest: Place, since: int | None, until: int | None) -> tuple[Place, Place]:
    if until is not None:
        newest = min(newest, before(Place(until + 1, 0)))
    return newest, Place(since, 0) if since is not None else BEGINNING


def _place(cursor: str) -> Place:
    place = Place.read(cursor)
    if place is None:
        raise BadCursor(f"{cursor[:50]!r} is no cursor of this list")
    return place


def _page(candidates: Iterable[_Candidate], limit: int) -> Page:
    items: list[Any] = []
    size = passed = 0
    last_given = None
    for candidate in candidates:
        if candidate.item is None:
            passed += 1
        else:
            if len(items) == limit or (items and size + candidate.weight > PAGE_BYTES):
                return Page(items, last_given)
            items.append(candidate.item)
            size += candidate.weight
        last_given = candidate.cursor
        if passed == SCAN_LIMIT:
            return Page(items, last_given)
    return Page(items, None)


def _addresses(event: Mapping[str, Any]) -> Iterator[str]:
    """Every URL and path that the event says of its input and its renditions."""
    of_input = event["input"] or {}
    yield from (of_input[one] for one in ("url", "path") if of_input.get(one))
    for rendition in event["renditions"]:
        yield from rendition["urls"]
        yield from rendition["paths"]


def _may_hold(document: bytes, text: str) -> bool:
    """Is it worth reading the document to find the text in it? Looking at its bytes takes a tenth of the time."""
    return encode(text)[1:-1] in document or b"\\u" in document


def _given(**filters: str | None) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _matches(item: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(item[name] == value for name, value in wanted.items())
